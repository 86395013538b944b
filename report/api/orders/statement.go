package orders

import (
	"cmp"
	"context"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/ledger"
	"relay/store/overview"
)

// StatementOf is the request for a statement.
type StatementOf struct {
	Account string `path:"account"`
	At      string `query:"at" doc:"As it was then: a date, whose whole day counts, or an instant; none: now."`
}

// Statement is every number of an account, from its ledger. Money is in minor units,
// credit and overage are in the unit of the plan.
type Statement struct {
	Account   string            `json:"account"`
	At        time.Time         `json:"at"`
	Plan      *string           `json:"plan" doc:"null: none yet."`
	Unit      string            `json:"unit" doc:"bytes or e-mails."`
	TermStart *time.Time        `json:"term_start"`
	TermEnd   *time.Time        `json:"term_end"`
	Period    *string           `json:"period" doc:"That is open."`
	Allowance *answer.Allowance `json:"allowance" doc:"Of the period."`
	Used      quota.Charge      `json:"used"`
	Uncounted *string           `json:"uncounted" doc:"The day whose use is in none of this, since it was not over; null: none."`
	Over      int64             `json:"over" doc:"In the open period, beyond the allowance."`
	Drawn     int64             `json:"drawn" doc:"Of it from credit."`
	Overage   int64             `json:"overage" doc:"Of it what no credit covers."`
	Periods   []PeriodUse       `json:"periods"`
	Credit    []answer.Lot      `json:"credit" doc:"Of the open period nothing is drawn yet."`
	Invoices  []Bill            `json:"invoices"`
	Payments  []answer.Payment  `json:"payments" doc:"Refunds and corrections too."`
	Balance   int64             `json:"balance"`
	Currency  string            `json:"currency"`
	Entries   []Entry           `json:"entries"`
	Ended     bool              `json:"ended,omitempty" doc:"The account is closed for good."`
}

// Entry is an entry of the ledger. Figures that it does not have are 0.
type Entry struct {
	Entry    uint64       `json:"entry" doc:"1, 2, 3 ..."`
	Time     time.Time    `json:"time"`
	Kind     string       `json:"kind"`
	Period   *string      `json:"period"`
	Day      *string      `json:"day" doc:"Of a charge."`
	Messages int64        `json:"messages"`
	Bytes    int64        `json:"bytes"`
	Units    int64        `json:"units" doc:"Of credit or overage."`
	Over     int64        `json:"over" doc:"Units that were overage until this."`
	Lot      *string      `json:"lot" doc:"Credit that they belong to."`
	Expires  *time.Time   `json:"expires"`
	Amount   int64        `json:"amount" doc:"Minor units; positive is in the customer's favour."`
	Invoice  *string      `json:"invoice"`
	Text     *string      `json:"text"`
	Contract *answer.Term `json:"contract" doc:"As it is from then on."`
	By       *string      `json:"by" doc:"null: relay itself."`
}

// PeriodUse is the use of a period as its entries have it.
type PeriodUse struct {
	Period   string     `json:"period"`
	Start    *time.Time `json:"start" doc:"null: not known."`
	End      *time.Time `json:"end" doc:"Excluded; null: not known."`
	Messages int64      `json:"messages"`
	Bytes    int64      `json:"bytes"`
	Drawn    int64      `json:"drawn" doc:"From credit."`
	Overage  int64      `json:"overage" doc:"Beyond allowance and credit."`
	Covered  *string    `json:"covered_by" doc:"Blocks that were bought for it."`
	Closed   bool       `json:"closed"`
}

// Bill is an invoice in a statement.
type Bill struct {
	Invoice *string   `json:"invoice" doc:"null: it is issued with the close that is due."`
	Kind    string    `json:"kind"`
	Issued  time.Time `json:"issued"`
	Period  *string   `json:"period"`
	Total   int64     `json:"total" doc:"Of a credit note negative."`
}

// ShowStatement is the act that replays a ledger.
var ShowStatement = act.New(act.Spec{Name: "account statement", Route: "GET /v1/accounts/{account}/statement", Summary: "All figures of an account, from its ledger",
	May: act.Operator | act.Reseller}, showStatement)

// showStatement needs no account: a ledger outlives it.
func showStatement(ctx context.Context, s *act.Service, in *StatementOf) (*Statement, error) {
	if err := s.Reach(ctx, in.Account); err != nil {
		return nil, err
	}
	at, err := instant(s, in.At)
	if err != nil {
		return nil, err
	}
	st, err := s.Store.Overview.Statement(in.Account, at)
	if err != nil {
		return nil, act.NoAccount(in.Account, err)
	}
	for _, list := range [][]ledger.Entry{st.Entries, st.Payments} {
		for i := range list {
			veil(ctx, &list[i])
		}
	}
	return statementOf(s, &st), nil
}

// veil keeps from a reseller who else gave orders on an account below it: others do not
// exist for it.
func veil(ctx context.Context, e *ledger.Entry) {
	if a := act.ActorOf(ctx); a.Kind == act.Reseller && e.By != "" && e.By != a.String() {
		e.By = "operator"
	}
}

// instant that a statement is of: an instant, or the end of a day in the operator's zone;
// the zero time is now, so that what is charged until then counts.
func instant(s *act.Service, text string) (time.Time, error) {
	now := s.Store.BookTime()
	if text == "" {
		return time.Time{}, nil
	}
	at, err := words.ParseMoment(text, s.Store.Zone())
	if err != nil {
		return at, act.Invalid("at", "{account statement --help}", ": %w", err)
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil { // all of that day
		if day := at; !now.Before(day) && now.Before(day.AddDate(0, 0, 1)) {
			return time.Time{}, nil // today, as far as it goes
		}
		at = at.AddDate(0, 0, 1).Add(-time.Nanosecond)
	}
	if at.After(now) {
		return at, act.Invalid("at", "leave out --at for a statement of now", " %s is in the future", text)
	}
	return at, nil
}

func statementOf(s *act.Service, st *overview.Statement) *Statement {
	v := &Statement{Account: st.Account, At: st.At.UTC(), Plan: field.OrNull(st.Contract.Plan.Name), Unit: st.Contract.Plan.Unit(),
		TermStart: field.OrNull(st.Contract.Start), TermEnd: field.OrNull(st.Contract.End), Period: field.OrNull(st.Period), Used: st.Used, Uncounted: field.OrNull(st.Uncounted),
		Over: st.Use.Over, Drawn: st.Use.Drawn, Overage: st.Use.Overage, Periods: periods(st.Periods), Credit: answer.LotsOf(st.Lots),
		Invoices: []Bill{}, Payments: []answer.Payment{}, Balance: st.Balance, Currency: cmp.Or(st.Currency, s.Store.Books.Currency()),
		Entries: []Entry{}, Ended: st.Ended}
	if st.Period != "" {
		v.Allowance = &answer.Allowance{Messages: field.OrUnlimited(st.Allowance.Messages), Bytes: field.OrUnlimited(st.Allowance.Bytes)}
	}
	for _, b := range st.Invoices {
		v.Invoices = append(v.Invoices, Bill{field.OrNull(answer.InvoiceName(s, b.Number)), string(b.Kind), b.Issued, field.OrNull(b.Period), b.Total})
	}
	for i := range st.Payments {
		v.Payments = append(v.Payments, answer.MoneyOf(s, &st.Payments[i], v.Currency))
	}
	for i := range st.Entries {
		v.Entries = append(v.Entries, entryOf(s, &st.Entries[i]))
	}
	return v
}

func periods(list []ledger.PeriodSum) []PeriodUse {
	out := make([]PeriodUse, len(list))
	for i := range list {
		p := &list[i]
		out[i] = PeriodUse{p.Period, field.OrNull(p.Start), field.OrNull(p.End), p.Used.Messages, p.Used.Bytes, p.Drawn, p.Overage, field.OrNull(words.English.Covered(p)), p.Closed}
	}
	return out
}

func entryOf(s *act.Service, e *ledger.Entry) Entry {
	v := Entry{Entry: e.Seq, Time: e.Time, Kind: string(e.Kind), Period: field.OrNull(e.Period), Day: field.OrNull(e.Day),
		Messages: e.Messages, Bytes: e.Bytes, Units: e.Units, Over: e.Over, Lot: field.OrNull(e.Lot), Expires: field.OrNull(e.Expires), Amount: e.Money,
		Invoice: field.OrNull(answer.InvoiceName(s, e.Ref)), Text: field.OrNull(words.English.Entry(e)), By: field.OrNull(e.By)}
	if e.Contract != nil {
		v.Contract = new(answer.TermOf(s, e.Contract))
	}
	return v
}
