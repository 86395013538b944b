package owners

import (
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/store"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/standing"
)

// RollUp adds up the accounts of a customer, or below a reseller: those that are theirs
// now, with all that these used. Invoices are counted by the owner at the time of issue,
// also if the account has moved since. Use counts in the month in which its period began.
type RollUp struct {
	Now      Use    `json:"this_month"`
	Last     Use    `json:"last_month"`
	Invoices Billed `json:"invoices"`
	Balance  int64  `json:"balance"` // minor units, positive: in their favour
	Kept     int64  `json:"kept"`    // sum of positive balances: each pays invoices of its own account only
	Currency string `json:"currency"`
	List     []Part `json:"list"`
}

// Use of a month.
type Use struct {
	Messages  int64 `json:"messages"`
	Bytes     int64 `json:"bytes"`
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
}

func (u *Use) add(o Use) {
	u.Messages += o.Messages
	u.Bytes += o.Bytes
	u.Delivered += o.Delivered
	u.Failed += o.Failed
}

// Billed counts invoices; credit notes and what they take back are left out.
type Billed struct {
	Open    int   `json:"open"`
	Owed    int64 `json:"owed"`    // of the open ones, minor units
	Waiting int64 `json:"waiting"` // of that, for orders that are fulfilled only when they are paid
	Paid    int   `json:"paid"`
	Earned  int64 `json:"total_paid"` // minor units, also what was paid of open ones
}

func (b *Billed) add(i *ledger.Invoice) {
	switch {
	case i.Kind == ledger.CreditNote:
	case i.State == ledger.InvoiceOpen:
		b.Open++
		b.Owed += i.Open()
		b.Earned += i.Paid
		if i.Order != nil {
			b.Waiting += i.Open()
		}
	case i.State == ledger.InvoicePaid:
		b.Paid++
		b.Earned += i.Total
	}
}

// Part is one account of a RollUp.
type Part struct {
	Account string  `json:"account"`
	State   string  `json:"state"`
	Contact *string `json:"contact"` // null: none
	Now     Use     `json:"this_month"`
	Last    Use     `json:"last_month"`
	Owed    int64   `json:"owed"`
	Balance int64   `json:"balance"`
}

func rollUp(s *act.Service, w books.Wanted) (RollUp, error) {
	sum := RollUp{Currency: s.Store.Books.Currency(), List: []Part{}}
	month := monthOf(s.Store.BookTime(), s.Store.Zone())
	count := func(i *ledger.Invoice) error { sum.Invoices.add(i); return nil }
	err := s.Store.Books.InvoicesTo(w.Owner, 0, count)
	if w.Reseller != "" {
		err = s.Store.Books.InvoicesThrough(w.Reseller, 0, count)
	}
	if err != nil {
		return sum, err
	}
	err = s.Store.Standings.EachStanding(w, func(st *standing.Standing) error {
		p, err := partOf(s.Store, st, month)
		if err != nil {
			return err
		}
		sum.Now.add(p.Now)
		sum.Last.add(p.Last)
		sum.Balance += p.Balance
		sum.Kept += max(p.Balance, 0)
		sum.List = append(sum.List, p)
		return nil
	})
	return sum, err
}

// monthOf is the first day of an instant's month.
func monthOf(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

func partOf(st *store.Store, at *standing.Standing, month time.Time) (Part, error) {
	a := &at.Account
	p := Part{Account: a.Name, State: at.State(), Contact: field.OrNull(a.Contact), Balance: a.Balance}
	list, err := st.Standings.Usages(a.Name)
	if err != nil {
		return p, err
	}
	this, last := month.Format("2006-01"), month.AddDate(0, -1, 0).Format("2006-01")
	for i := range list {
		u := &list[i]
		used := Use{u.Charged.Messages, u.Charged.Bytes, u.Delivered, u.Failed}
		switch {
		case strings.HasPrefix(u.Period, this):
			p.Now.add(used)
		case strings.HasPrefix(u.Period, last):
			p.Last.add(used)
		}
	}
	invoices, err := st.Books.InvoicesOf(a.Name, true)
	for i := range invoices {
		p.Owed += invoices[i].Open()
	}
	return p, err
}
