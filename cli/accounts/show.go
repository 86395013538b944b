package accounts

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/accounts"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/books"
	"relay/store/ledger"
)

// showAccount shows all of an account.
func showAccount(e *shell.Env, v *accounts.AccountDetail) error {
	plan := v.Terms.Quota()
	plan.OverMax = ceiling(v.OverMax)
	fields := []term.Field{
		{"account", v.Account.Account},
		{"state", stateText(v)},
		{"plan", words.Plan(&plan)},
		{"term ends", endText(e, v)},
		{"used up", usedUpText(v)},
	}
	fields = append(fields, termFields(e, v.Bought)...)
	if v.Period != nil {
		fields = append(fields, term.Field{"allowance", v.Allowance.String() + " " + inTerm(e, v)})
	}
	fields = append(fields, creditFields(e, v.Credit, v.Drawn, v.Unit)...)
	fields = append(fields, term.Field{"balance", words.Balance(v.Balance, v.Currency, v.State == string(ledger.Closed))})
	for i := range v.Invoices {
		in := &v.Invoices[i]
		fields = append(fields, term.Field{"unpaid", invoiceText(e, in, v.Currency)}, term.Field{"pay at", field.Or0(in.Link)})
	}
	fields = append(fields, receipt.Owed("unpaid", v.Owed)...)
	fields = append(fields, term.Field{"at limit", words.AtLimit(quota.AtLimit(v.AtLimit), plan.OverMax, &plan)})
	fields = append(fields, toldFields(v)...)
	fields = append(fields, returnFields(v.Returns)...)
	fields = append(fields, settingFields(e, v)...)
	fields = append(fields, accessFields(e, v.Access)...)
	return term.WriteFields(e.Stdout, append(fields, term.Field{"created", words.Stamp(v.Created, e.Zone())}))
}

// settingFields are whose the account is, how it sends, and what it may.
func settingFields(e *shell.Env, v *accounts.AccountDetail) []term.Field {
	return []term.Field{
		{"owner", field.Or0(v.Owner)},
		{"reseller", field.Or0(v.Reseller)},
		{"pays by", field.Or0(v.Method)},
		{"reference", field.Or0(v.Reference)},
		{"agreed to", consentText(e, v.Consent)},
		{"signed by", words.If(v.Service, "the host too (service signature)")},
		{"unproved mail", words.If(v.Auth == books.AuthRefuse, "is refused")},
		{"abuse", words.If(v.Abuse, "marked: no refund")},
		{"kept", keptText(e, v.Kept)},
		{"reports", words.If(v.VERP, "come back to relay, which passes them on")},
		{"profile", field.Or0(v.Profile)},
		{"pool", field.Or0(v.Pool)},
		{"record", recordText(v.Record)},
		{"first sendings", firstText(v)},
		{"senders", cmp.Or(strings.Join(v.Senders, ", "), "any")},
		{"logins", cmp.Or(strings.Join(v.Logins, ", "), "none")},
		{"networks", strings.Join(v.Networks, ", ")},
	}
}

// shownNetworks is how many networks of a login a line has.
const shownNetworks = 3

// accessFields has a line for each login that was used or is held.
func accessFields(e *shell.Env, list []accounts.LoginUse) (fields []term.Field) {
	for i := range list {
		u := &list[i]
		held := u.State == accounts.LoginHeld
		text := u.Login + words.If(held, " (held)")
		if u.Last != nil {
			text += " last " + words.Stamp(*u.Last, e.Zone()) + ", from " + strings.Join(u.Networks[:min(len(u.Networks), shownNetworks)], ", ")
			text += words.If(len(u.Networks) > shownNetworks, fmt.Sprintf(" and %d more", len(u.Networks)-shownNetworks))
		}
		if u.Last != nil || held {
			fields = append(fields, term.Field{words.If(len(fields) == 0, "used"), text})
		}
	}
	return fields
}

// toldFields are where mail about the account goes, and which.
func toldFields(v *accounts.AccountDetail) []term.Field {
	return []term.Field{
		{"contact", field.Or0(v.Contact)},
		{"billing contact", field.Or0(v.Billing)},
		{"abuse contact", field.Or0(v.AbuseMail)},
		{"language", field.Or0(v.Language)},
		{"is told", strings.Join(append(v.Notify, "what it must know"), ", ")},
	}
}

// recordText says how far a new account is; "": it is proven.
func recordText(r *accounts.Record) string {
	if r != nil && r.Slow > 0 {
		return "slowed down for what came back, until it has had " + words.Plural(int64(r.Slow), "clean day")
	}
	if r == nil || r.Proven {
		return ""
	}
	return fmt.Sprintf("new: %s of %s e-mails delivered by MX, %d of %d clean days",
		words.Number(r.Delivered), words.Number(r.Needed), r.Days, r.DaysOf)
}

// firstText is the daily limit of recipients that the account never wrote to; "": it has none.
func firstText(v *accounts.AccountDetail) string {
	if v.Record == nil {
		return ""
	}
	f := v.Record.First
	switch {
	case f == nil && v.FirstCap < 0:
		return "no limit"
	case f == nil:
		return ""
	}
	text := fmt.Sprintf("%s of %s used today", words.Number(int64(f.Used)), words.Number(int64(f.Cap)))
	if f.Waiting > 0 {
		text += fmt.Sprintf("; %s wait, the last goes out on %s", words.Plural(f.Waiting, "recipient"), f.LastDay)
	}
	return text
}

// usedUpText is how a month's term that is used up goes on; "": it is not.
func usedUpText(v *accounts.AccountDetail) string {
	switch v.NextTerm {
	case accounts.ByMessage:
		return "the next term begins with the next message"
	case accounts.ByRenewal:
		return "relay account renew " + v.Account.Account + " begins the next term at once"
	}
	return ""
}

// stateText is the state, with the reason for which the account was stopped.
func stateText(v *accounts.AccountDetail) string {
	switch {
	case v.Reason != nil:
		return v.State + ": " + *v.Reason
	case v.Hold != nil:
		for _, i := range v.Invoices {
			if !i.Waits {
				return v.State + ": unpaid invoice " + i.Name
			}
		}
		return v.State + ": " + *v.Hold
	case v.State == string(ledger.Pending) && len(v.Invoices) == 0:
		return v.State + ": no invoice waits for a payment"
	case v.State == string(ledger.Pending):
		return v.State + ": it sends when invoice " + v.Invoices[0].Name + " is paid"
	}
	return v.State
}

// termFields lists the terms, where there is more than one.
func termFields(e *shell.Env, terms []answer.Term) (list []term.Field) {
	if len(terms) < 2 {
		return nil
	}
	for i, t := range terms {
		text := fmt.Sprintf("%s, %s to %s", t.Plan, words.Day(t.Start, e.Zone()), receipt.LastDay(e, t.End))
		if t.Invoice != nil {
			text += ", invoice " + *t.Invoice
		}
		list = append(list, term.Field{words.If(i == 0, "terms"), text})
	}
	return list
}

// creditFields has a line for each lot.
func creditFields(e *shell.Env, lots []answer.Lot, drawn int64, unit string) (list []term.Field) {
	for i, l := range lots {
		list = append(list, term.Field{words.If(i == 0, "credit"), fmt.Sprintf("%s %s (%s)", words.Units(l.Units, unit), receipt.Through(e, l.Expires), l.Lot)})
	}
	if drawn > 0 {
		list = append(list, term.Field{"", "of it used in this period: " + words.Units(drawn, unit)})
	}
	return list
}

// invoiceText is an open invoice in one line.
func invoiceText(e *shell.Env, i *answer.Payable, currency string) string {
	due := "due"
	if i.Overdue {
		due = "was due"
	}
	return fmt.Sprintf("invoice %s, %s, %s, %s %s", i.Name, i.Kind, money.Format(i.Open, currency), due, words.Day(i.Due, e.Zone()))
}

// ceiling of overage that an account has, its own or its plan's.
func ceiling(most *int64) int64 {
	if most == nil {
		return quota.Uncapped
	}
	return *most
}

// consentText is what the customer agreed to; "": to nothing.
func consentText(e *shell.Env, v *accounts.Consent) string {
	if v == nil {
		return ""
	}
	return "version " + v.Version + ", at " + words.Stamp(v.Time, e.Zone())
}

// inPeriod is "in" a month, or "from" the first day of a month's plan to its last.
func inPeriod(e *shell.Env, key string, start, end *time.Time) string {
	if text := words.Period(key, start, end, e.Zone()); text != key {
		return "from " + text
	}
	return "in " + key
}

// inTerm is inPeriod for the term whose period runs.
func inTerm(e *shell.Env, v *accounts.AccountDetail) string {
	for i := range v.Bought {
		if t := &v.Bought[i]; strings.HasPrefix(*v.Period, words.Day(t.Start, e.Zone())) {
			return inPeriod(e, *v.Period, &t.Start, &t.End)
		}
	}
	return inPeriod(e, *v.Period, nil, nil)
}

// endText is when the term ends; "": it has not begun.
func endText(e *shell.Env, v *accounts.AccountDetail) string {
	if v.TermEnd == nil {
		return ""
	}
	return receipt.End(e, *v.TermEnd) + words.If(v.GoesOn, ", and renews automatically")
}
