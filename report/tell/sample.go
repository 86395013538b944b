package tell

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"

	"relay/quota"
	"relay/report/words"
	"relay/store"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/overview"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/remark"
	"relay/store/signing"
	"relay/store/signs"
	"relay/store/standing"
)

// Sample is what there would be to tell of a kind, with an invented account, for previews
// and tests. now is the day on which it is told; zone the operator's.
func Sample(kind news.Kind, now time.Time, zone *time.Location) *store.Told {
	s := sampler{now, zone}
	t := &store.Told{News: news.Item{Kind: kind, Since: now}}
	if k, ok := Find(kind); ok && k.To[0] == Operator {
		t.News.About, t.News.Why = "backup", "write /var/backups/relay: no space left on device"
		return t
	}
	plan := quota.Plan{Name: "bronze", Emails: 50_000, Bandwidth: 500_000_000, Term: quota.Year, Price: 12_000, Blocks: []quota.Block{{Bytes: 1_000_000_000, Price: 500}}}
	s.account(t, plan)
	r := s.report(t, s.uses(kind))
	switch kind {
	case news.Usage, news.Daily, news.Near, news.Reached, news.Overage, news.OverageStep, news.Ceiling:
		t.Report = r
	case news.Month:
		t.Report = r
		r.Errors = s.errors()
		r.ErrorCount = int64(len(r.Errors))
		r.Invoice = s.invoice(ledger.ForOverage, ledger.Item{Kind: ledger.ItemOverage, Bytes: 1_000_000_000, Over: r.Use.Overage, Period: r.Period.Key}, 500)
	case news.Order:
		t.Invoice = s.invoice(ledger.ForOrder, ledger.Item{Kind: ledger.ItemTerm, Plan: "bronze", Term: quota.Year}, 12_000)
		t.Invoice.Expires = now.AddDate(0, 0, 30)
	case news.Invoice, news.Overdue, news.Receipt, news.Reversal:
		t.Invoice = s.renewal(t)
		t.Invoice.Suspends = t.Invoice.Due.AddDate(0, 0, 14)
		switch kind {
		case news.Overdue: // which is told a week before
			t.Invoice.Issued, t.Invoice.Due, t.Invoice.Suspends = now.AddDate(0, 0, -21), now.AddDate(0, 0, -7), now.AddDate(0, 0, 7)
		case news.Receipt:
			t.Invoice.State, t.Invoice.Paid = ledger.InvoicePaid, t.Invoice.Total
			t.Entry = &ledger.Entry{Kind: ledger.KindPayment, Money: t.Invoice.Total, Currency: "EUR", Facts: ledger.Facts{Method: "bank", Reference: "CRO 0042"}}
		case news.Reversal:
			t.News.Why = "chargeback"
			t.Entry = &ledger.Entry{Kind: ledger.KindReversal, Money: -t.Invoice.Total, Currency: "EUR", Facts: ledger.Facts{Method: "card", Reference: "ch_0042"}}
		}
	default:
		s.other(t)
	}
	return t
}

// sampler invents facts as of a day.
type sampler struct {
	now  time.Time
	zone *time.Location
}

// uses is the part of the allowance that is used where a kind is told, in percent.
func (s sampler) uses(kind news.Kind) int64 {
	switch kind {
	case news.Near:
		return 92
	case news.Reached:
		return 100
	case news.Overage:
		return 104
	case news.OverageStep, news.Month:
		return 164
	case news.Ceiling:
		return 300
	}
	return 63
}

func (s sampler) account(t *store.Told, plan quota.Plan) {
	start := s.now.AddDate(0, -5, 0)
	c := quota.NewContract(plan, start, s.zone, func(string, bool) bool { return false })
	a := books.Account{Name: "verdi-web", Contact: "web@verdi.example", Reference: "Newsletter", State: ledger.Active, Created: start}
	a.Contracts = quota.Contracts{c}
	t.News.Account, t.Account = a.Name, a
	p, _ := c.PeriodAt(s.now, s.zone)
	t.Standing = standing.Standing{Account: a, Contract: c, Period: p, InTerm: true, Goes: !p.Last, TermEnd: c.End}
}

// report is the running period, of which so much of the allowance is used.
func (s sampler) report(t *store.Told, percent int64) *overview.Report {
	st := &t.Standing
	r := &overview.Report{Account: t.Account, Standing: *st, Contract: st.Contract, Period: st.Period, Plan: st.InPeriod(), MayOver: st.MayOver(), Currency: "EUR"}
	size := r.Plan.Bandwidth / 100 * percent
	emails := size / 12_000
	r.Usage = standing.Usage{Account: t.Account.Name, Period: st.Period.Key, Charged: quota.Charge{Messages: emails, Bytes: size},
		Failed: emails / 40, Queued: emails / 100, Deferred: emails / 200}
	r.Usage.Delivered = emails - r.Usage.Failed - r.Usage.Queued
	r.Usage.Bounced, r.Usage.Complained = emails/200, emails/5_000
	before := r.Usage
	before.Period, before.Charged.Messages, before.Delivered, before.Failed, before.Queued, before.Deferred = s.now.AddDate(0, -1, 0).In(s.zone).Format("2006-01"), emails/2, emails/2-emails/60, emails/60, 0, 0
	before.Bounced, before.Complained = emails/500, 0
	r.Before = &before
	r.Use = quota.Split(r.Plan, r.Usage.Charged, nil)
	if r.Use.Overage > 0 {
		r.OverCost = 610
	}
	r.Days = s.days(r, emails, size)
	r.Recent = r.Days
	r.DaysBefore = []overview.Day{{Sum: outcomes.Sum{Failed: map[string]int64{"InvalidRecipient": emails / 90, "QuotaIssues": emails / 180}}}}
	r.Remarks = []remark.Remark{{Kind: remark.Bulk, Domain: "verdi.example", Count: 12},
		{Kind: remark.Sent + "google", Domain: "verdi.example", Count: 900}, {Kind: remark.Sent + "google", Domain: "verdi.example", Count: 4_400}}
	r.Logins = []overview.LoginUse{{Login: "verdi-web", Last: s.now.Add(-3 * time.Hour), Places: []people.Place{{Network: netip.MustParsePrefix("192.0.2.17/32"), Last: s.now}}}}
	t.Standing.Used.Charged = r.Usage.Charged
	return r
}

// days of the period until today, with weekends of little mail.
func (s sampler) days(r *overview.Report, emails, size int64) (list []overview.Day) {
	var weights []int64
	sum := int64(0)
	for at := r.Period.Start.In(s.zone); !at.After(s.now); at = at.AddDate(0, 0, 1) {
		w := int64(10 + at.Day()%4)
		if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
			w = 2
		}
		weights, sum = append(weights, w), sum+w
		list = append(list, overview.Day{Day: at.Format(time.DateOnly)})
	}
	before := int64(0) // weights of the days before: parts add up to the whole
	for i := range list {
		from, to := before, before+weights[i]
		part := func(n int64) int64 { return n*to/sum - n*from/sum }
		before = to
		list[i].Emails, list[i].Bytes, list[i].Delivered = part(emails), part(size), part(r.Usage.Delivered)
		list[i].Failed = map[string]int64{"InvalidRecipient": part(r.Usage.Failed) * 2 / 3, "QuotaIssues": part(r.Usage.Failed) / 3}
		list[i].Providers = map[string]outcomes.Provider{"Google": {Delivered: part(r.Usage.Delivered) / 2, Failed: part(r.Usage.Failed) / 2}, "Microsoft": {Delivered: part(r.Usage.Delivered) / 4, Deferred: part(r.Usage.Deferred)}}
	}
	return list
}

func (s sampler) errors() (list []refusals.Entry) {
	for i, e := range []refusals.Entry{
		{Recipient: "anna@example.com", Category: "InvalidRecipient", Class: "failed", Code: "550", Enhanced: "5.1.1", Reply: "The email account that you tried to reach does not exist.", Advice: "remove", Count: 3},
		{Recipient: "carlo@example.net", Category: "QuotaIssues", Class: "expired", Code: "452", Enhanced: "4.2.2", Reply: "The recipient's inbox is full.", Advice: "watch", Count: 2},
		{Recipient: "office@example.org", Category: "SpamBlock", Class: "failed", Code: "554", Enhanced: "5.7.1", Reply: "Service unavailable; client host blocked.", Advice: "not-yours", Count: 1},
		{Recipient: "rita@example.com", Category: "Complaint", Class: "complained", Source: refusals.SourceComplaint, Advice: "remove", Count: 1},
	} {
		e.Source = cmp.Or(e.Source, refusals.SourceSMTP)
		e.First, e.Last = s.now.AddDate(0, 0, -9-i), s.now.AddDate(0, 0, -i)
		e.MessageID = fmt.Sprintf("<%d@verdi.example>", 1000+i)
		list = append(list, e)
	}
	return list
}

// renewal of the account's term, for a further year.
func (s sampler) renewal(t *store.Told) *ledger.Invoice {
	return s.invoice(ledger.ForRenewal, ledger.Item{Kind: ledger.ItemTerm, Plan: "bronze", Term: quota.Year, Starts: t.Standing.TermEnd.In(s.zone).Format(time.DateOnly)}, 12_000)
}

func (s sampler) invoice(kind ledger.InvoiceKind, item ledger.Item, net int64) *ledger.Invoice {
	tax := net * 22 / 100
	return &ledger.Invoice{Number: 17, Name: "R-17", Account: "verdi-web", Kind: kind, Issued: s.now, Due: s.now.AddDate(0, 0, 14), Seller: []string{"Rossi Hosting S.r.l.", "Via Roma 1, 20100 Milano"}, Buyer: []string{"Verdi S.p.A."},
		Lines:    []ledger.InvoiceLine{{Text: words.English.Item(&item), Count: 1, Price: net, Net: net, TaxRate: 220_000}},
		Taxes:    []ledger.InvoiceTax{{Rate: 220_000, Net: net, Tax: tax}},
		Currency: "EUR", Net: net, Tax: tax, Total: net + tax, State: ledger.InvoiceOpen, Reference: "Newsletter"}
}

// other are kinds without a report and an invoice of their own.
func (s sampler) other(t *store.Told) {
	switch t.News.Kind {
	case news.Suspended:
		t.News.Reason = "unpaid"
		t.Account.Hold = "unpaid"
		t.Invoice = s.renewal(t)
		t.Invoice.Dunned = true
	case news.Desk:
		t.News.About, t.News.Reason, t.News.Why, t.Warned = "abuse@provider.example", news.ReasonSuppressed, "<case-17@provider.example>", true
	case news.Warned:
		t.Signs = &signs.Figures{Sign: signs.Complaint, Window: signs.OfDay, N: 12, Of: 6_400, Count: signs.Default.ComplaintWarn.Count, Share: signs.Default.ComplaintWarn.Share,
			Places: []signs.Place{{Name: "Yahoo", N: 9}, {Name: "Microsoft", N: 3}}, Next: signs.Default.ComplaintSuspend}
	case news.Refund:
		t.Account.State = ledger.Closed
		t.Entry = &ledger.Entry{Seq: 42, Kind: ledger.KindRefund, Money: -14_640, Currency: "EUR"}
	case news.Correction:
		t.Account.Balance = 2_500
		t.Entry = &ledger.Entry{Kind: ledger.KindCorrection, Money: 2_500, Currency: "EUR"}
		t.News.Why = "outage, 11 November"
	case news.Credit:
		t.Entry = &ledger.Entry{Kind: ledger.KindCorrection, Units: 100_000_000, Expires: t.Standing.TermEnd}
		t.News.Why = "outage, 11 November"
	case news.Access, news.AccessDaily:
		t.News.Access = []news.LoginUse{
			{Login: "verdi-web", Network: netip.MustParsePrefix("203.0.113.0/24"), Address: netip.MustParsePrefix("203.0.113.40/32"), Program: "Thunderbird 140.4", At: s.now.Add(-6 * time.Minute)},
			{Login: "verdi-web-2", Network: netip.MustParsePrefix("2001:db8:7::/48"), Address: netip.MustParsePrefix("2001:db8:7:2::/64"), Program: "PHPMailer 7.0", At: s.now.Add(-5 * time.Minute)},
		}
		if t.News.Kind == news.AccessDaily {
			t.News.About = s.now.AddDate(0, 0, -1).Format(time.DateOnly)
			for i := range t.News.Access {
				t.News.Access[i].At = t.News.Access[i].At.AddDate(0, 0, -1)
			}
			t.News.Access[1].New = true
		}
	case news.LoginHeld:
		t.News.About, t.News.Reason = "verdi-web-2", string(people.HeldByRelay)
		t.News.Signs = &people.Signs{Network: "203.0.113.0/24", Failed: 7, Recipients: 62, First: true}
	case news.Ending, news.Ended:
		c := t.Standing.Contract
		c.End, t.Standing.TermEnd = s.now.AddDate(0, 0, 7), s.now.AddDate(0, 0, 7)
		t.Ending = &orders.Warning{Account: t.Account, Contract: c, Step: 7, Days: 7, Credit: 500_000_000, Sold: &c.Plan, Price: 14_640, TaxRate: 22 * quota.Percent, Currency: "EUR"}
	case news.Domain:
		t.News.About, t.News.Reason = "verdi.example", signing.LostDKIM+" "+signing.LostSPF
		t.Domain = &signing.Domain{Name: t.News.About, Account: t.Account.Name, Label: "k3v7q2m4x5a6b7c2", Since: s.now.AddDate(0, -3, 0)}
	case news.Held, news.Slowed:
		t.News.About, t.News.Reason, t.News.Until = "Google", "unknown", s.now.Add(24*time.Hour)
		t.News.Why = "550 5.1.1 The email account that you tried to reach does not exist."
	case news.Waits:
		t.Waiting, t.Cap, t.LastDay = 12_400, 200, s.now.AddDate(0, 0, 6)
	}
}

// sampleSource is one that a blocklist has.
var sampleSource = Source{Name: "192.0.2.25", Drained: true, Culprit: "verdi-web",
	Lists: []List{{"Barracuda", "client host [192.0.2.25] blocked using Barracuda Reputation", "https://www.barracudacentral.org/lookups"}}}
