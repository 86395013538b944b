package receipt

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/money"
	"relay/report/words"
	"relay/store/ledger"
)

// Ordered shows the answer to an order. For programs a refused order is a receipt too.
func Ordered(e *shell.Env, v *answer.Receipt, err error) error {
	if p, ok := errors.AsType[*act.Problem](err); ok && e.JSON && len(p.Answer) > 0 {
		v := &answer.Receipt{}
		if err := json.Unmarshal(p.Answer, v); err != nil {
			return err
		}
		return cmp.Or(term.Encode(e.Stdout, v), err)
	}
	switch {
	case err != nil:
		return err
	case e.JSON:
		return term.Encode(e.Stdout, v)
	}
	return Show(e, v)
}

// Show writes a receipt.
func Show(e *shell.Env, v *answer.Receipt) error {
	if err := term.WriteFields(e.Stdout, []term.Field{{"account", v.Account}, {"order", v.Order}}); err != nil {
		return err
	}
	if err := Figures(e, v); err != nil {
		return err
	}
	return Stand(e, v)
}

// Figures writes the lines of an order and its invoices.
func Figures(e *shell.Env, v *answer.Receipt) error {
	if err := showLines(e, v.Lines, v.Currency); err != nil {
		return err
	}
	for i := range v.Invoices {
		if err := showInvoice(e, &v.Invoices[i], v.Currency); err != nil {
			return err
		}
	}
	return nil
}

// showLines writes texts with their amounts behind them.
func showLines(e *shell.Env, lines []answer.ReceiptLine, currency string) error {
	if len(lines) == 0 {
		return nil
	}
	amounts, width := make([]string, len(lines)), 0
	for i, l := range lines {
		amounts[i] = money.Format(l.Amount, currency)
		width = max(width, len(amounts[i]))
	}
	if err := e.Say(""); err != nil {
		return err
	}
	const indent = "  "
	room := term.Columns - len(indent) - term.Gap - width
	for i, l := range lines {
		texts := term.Fold(words.Clean(l.Text), room)
		for n, text := range texts {
			if n < len(texts)-1 {
				if err := e.Say("%s%s", indent, text); err != nil {
					return err
				}
				continue
			}
			if err := e.Say("%s%s  %s", indent, term.Pad(text, room, false), term.Pad(amounts[i], width, true)); err != nil {
				return err
			}
		}
	}
	return nil
}

func showInvoice(e *shell.Env, i *answer.Payable, currency string) error {
	text := fmt.Sprintf("%s, %s", i.Name, money.Format(i.Total, currency))
	switch {
	case i.Kind == string(ledger.CreditNote):
		text += ", a credit note for " + field.Or0(i.About)
	case i.Open == 0:
		text += ", " + i.State
	default:
		if i.Open != i.Total {
			text += ", still to pay " + money.Format(i.Open, currency)
		}
		text += ", due " + words.Day(i.Due, e.Zone())
	}
	if err := e.Say(""); err != nil {
		return err
	}
	return term.WriteFields(e.Stdout, []term.Field{{"invoice", text}, {"reference", field.Or0(i.Ref)}, {"pay at", field.Or0(i.Link)}, {"pay by", field.Or0(i.Text)}})
}

// Stand writes how the account stands afterwards, and what was different before.
func Stand(e *shell.Env, v *answer.Receipt) error {
	if err := e.Say(""); err != nil {
		return err
	}
	was, is := v.Before, v.After
	if v.Before.State == nil {
		was = is
	}
	change := func(before, after string) string {
		if before == after {
			return after
		}
		return before + " -> " + after
	}
	fields := []term.Field{
		{"state", change(field.Or0(was.State), field.Or0(is.State))},
		{"plan", change(cmp.Or(field.Or0(was.Plan), "none"), cmp.Or(field.Or0(is.Plan), "none"))},
		{"allowance", change(cmp.Or(was.Allowance.String(), "none"), cmp.Or(is.Allowance.String(), "none"))},
		{"term ends", termEnds(e, was.TermEnd, is.TermEnd)},
		{"credit", change(words.Units(was.CreditLeft, field.Or0(was.Unit)), words.Units(is.CreditLeft, field.Or0(cmp.Or(is.Unit, was.Unit))))},
		{"balance", change(money.Format(was.Balance, v.Currency), money.Format(is.Balance, v.Currency)) + whose(is.Balance, field.Or0(is.State) == string(ledger.Closed))},
	}
	fields = append(append(fields, Owed("open", v.Owed)...), term.Field{"to send", toSend(v)})
	err := term.WriteFields(e.Stdout, fields)
	if e.Operator() { // resellers neither enter money nor say who sells
		noteParties(e, v)
	}
	if err == nil && v.DryRun {
		return e.Say("\nnothing was changed")
	}
	if e.Operator() {
		noteNext(e, v)
	}
	return err
}

// noteParties says which address a new invoice lacks. It is never changed later.
func noteParties(e *shell.Env, v *answer.Receipt) {
	for i := range v.Invoices {
		in := &v.Invoices[i]
		if in.Open == 0 || in.Open != in.Total {
			continue
		}
		if slices.Contains(in.Lacks, answer.Seller) {
			e.Note("invoice %s has no address of yours and never changes: set seller in [billing] before the next one", in.Name)
		}
		switch {
		case !slices.Contains(in.Lacks, answer.Buyer):
		case in.Customer != nil:
			e.Note("invoice %s has no address of the customer: relay customer set %s --address LINES is for the next one", in.Name, *in.Customer)
		default:
			e.Note("invoice %s has no address of the customer: relay customer add takes one, and --owner names the customer", in.Name)
		}
	}
}

// noteNext tells the operator what is left to do about money.
func noteNext(e *shell.Env, v *answer.Receipt) {
	for i := range v.Invoices {
		if in := &v.Invoices[i]; in.Open > 0 {
			e.Note("relay payment record %s enters the payment of invoice %[1]s", in.Name)
		}
	}
	if v.Owed != nil && !v.DryRun {
		e.Note("relay payment record --account %s enters the payment of what it owes without an invoice", v.Account)
	}
	if left := v.After.Balance; left > 0 && field.Or0(v.After.State) == string(ledger.Closed) {
		e.Note("pay back the %s that are left, and enter it with", money.Format(left, v.Currency))
		e.Note("relay account correct %s --amount -%s --reason TEXT", v.Account, money.Plain(left, v.Currency))
	}
}

// whose a balance is.
func whose(n int64, closed bool) string {
	switch {
	case n < 0:
		return ", to be paid"
	case n > 0 && closed:
		return ", to be paid back"
	case n > 0:
		return ", kept for invoices to come"
	}
	return ""
}

// toSend is what the operator has to pay out; "": nothing.
func toSend(v *answer.Receipt) string {
	if v.Order != "refund" || v.Amount == 0 {
		return ""
	}
	return money.Format(v.Amount, v.Currency) + " to the customer: relay only enters it"
}
