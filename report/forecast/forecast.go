// Package forecast shows what a customer of a plan would use and pay. It is no
// estimate: a customer who sends at an even pace and pays each invoice at once is
// simulated on a store of its own with a clock of its own. The simulation orders,
// sends, closes and pays by the calls that a relay makes.
//
//  1. The customer buys the plan on the first day of a month. A plan for 30 days, and
//     one whose year is over, is bought again while there are months to go.
//  2. Each day at noon it sends that day's share, as a few messages to many recipients
//     each. A message costs its size times its recipients, and fits if each of the
//     e-mails alone, one after the other, would. There is no content: the charge goes
//     by the size that the message names.
//  3. E-mails that do not fit are refused and not tried again, or make it buy a top-up.
//  4. At the end of the month the periods that are due are closed.
//
// It needs only the plans and the billing settings of the relay. It may take minutes, so it
// runs in the process of the command. Each month is handed over when it is done, and its
// mail is removed, so memory stays flat.
package forecast

import (
	"fmt"
	"time"

	"relay/quota"
	"relay/store/ledger"
)

// Most that a forecast is asked for.
const (
	MostEmails = 1_000_000       // a month
	MostInAll  = 12 * MostEmails // in all months
	MostMonths = 60
	MostSize   = 10_000_000_000 // octets of an e-mail
	MostTopUps = 1000           // a month
)

// Customer is simulated.
type Customer struct {
	Plan    quota.Plan
	TopUp   *quota.Plan // bought when mail does not fit; nil: none
	Size    int64       // octets of an e-mail
	Emails  int64       // a month
	Months  int
	AtLimit quota.AtLimit
	OverMax int64     // as of an account
	From    time.Time // first day of a month, in the operator's zone
	Zone    *time.Location
	Billing ledger.Billing
}

// Month is one of the customer's, or a period of 30 days.
type Month struct {
	Period   string `json:"period"`
	Emails   int64  `json:"emails"`  // that were sent
	Bytes    int64  `json:"bytes"`   // that they were charged
	Refused  int64  `json:"refused"` // e-mails that did not fit
	Over     int64  `json:"over"`    // the allowance; this and what follows in units of the plan
	Drawn    int64  `json:"drawn"`   // of it from credit
	Overage  int64  `json:"overage"` // of it beyond that
	Blocks   string `json:"blocks"`  // that cover the overage; "": none are billed
	TopUps   int    `json:"top_ups"`
	Credited int64  `json:"credited"` // what the blocks left unused
	Lost     int64  `json:"lost"`     // credit, by rounding or at the end of the term
	Credit   int64  `json:"credit"`   // after the month
	Net      int64  `json:"net"`      // minor units, of all invoices
	Tax      int64  `json:"tax"`
	Total    int64  `json:"total"`

	Invoices []ledger.Invoice `json:"-"` // as the simulation numbers them
	Events   []Event          `json:"-"` // in the order of their days
}

// Event is a day on which something changes for the customer.
type Event struct {
	Date string `json:"date"`
	What Change `json:"what"`
}

// Change is what an event is.
type Change string

// What may change: the allowance is used up, credit or overage begins, mail is refused,
// a top-up is bought.
const (
	Limit   Change = "limit"
	Credit  Change = "credit"
	Overage Change = "overage"
	Refused Change = "refused"
	TopUp   Change = "top-up"
)

// Total is a sum over months.
type Total struct {
	Months  int   `json:"months"`
	Emails  int64 `json:"emails"`
	Bytes   int64 `json:"bytes"`
	Refused int64 `json:"refused"`
	Over    int64 `json:"over"`
	Overage int64 `json:"overage"`
	TopUps  int   `json:"top_ups"`
	Lost    int64 `json:"lost"`
	Net     int64 `json:"net"`
	Tax     int64 `json:"tax"`
	Total   int64 `json:"total"`
}

// Add a month.
func (t *Total) Add(m *Month) {
	t.Months++
	t.Emails, t.Bytes, t.Refused = t.Emails+m.Emails, t.Bytes+m.Bytes, t.Refused+m.Refused
	t.Over, t.Overage, t.TopUps, t.Lost = t.Over+m.Over, t.Overage+m.Overage, t.TopUps+m.TopUps, t.Lost+m.Lost
	t.Net, t.Tax, t.Total = t.Net+m.Net, t.Tax+m.Tax, t.Total+m.Total
}

// Sum of months.
func Sum(months []Month) (t Total) {
	for i := range months {
		t.Add(&months[i])
	}
	return t
}

// Years are the sums of twelve months each; the last may have fewer.
func Years(months []Month) (list []Total) {
	for i := 0; i < len(months); i += 12 {
		list = append(list, Sum(months[i:min(i+12, len(months))]))
	}
	return list
}

// TooManyTopUps is the error when MostTopUps in a month are not enough.
type TooManyTopUps struct {
	Plan   string
	Period string
}

// Error implements error.
func (e *TooManyTopUps) Error() string {
	return fmt.Sprintf("more than %d top-ups by %s in %s", MostTopUps, e.Plan, e.Period)
}
