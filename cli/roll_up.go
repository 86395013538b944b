package cli

import (
	"fmt"
	"strings"
	"time"

	"relay/report/money"
	"relay/report/words"
	"relay/store"
)

// rollUpText is for the commands that show it.
const rollUpText = `Use is by the month; that of 30 days counts to the month in which they began. An account that was moved brings its use and its balance along, one that was removed has none: relay account close ends it and keeps them. Invoices are those of accounts that were theirs when they were issued.`

// rollUp is what the accounts of a customer, or below a reseller, add up to: those
// that are theirs now, with all that these used. Invoices are those of accounts that
// were theirs when they were issued, whatever became of these. Use counts to the month
// in which its period began.
type rollUp struct {
	Now      monthUse     `json:"this_month"`
	Last     monthUse     `json:"last_month"`
	Invoices billedSum    `json:"invoices"`
	Balance  int64        `json:"balance"` // minor units, positive: in their favour
	Kept     int64        `json:"kept"`    // what single accounts have in their favour, which pays no other's invoice
	Currency string       `json:"currency"`
	List     []rolledView `json:"list"`
}

// monthUse is the use of a month.
type monthUse struct {
	Messages  int64 `json:"messages"`
	Bytes     int64 `json:"bytes"`
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
}

func (s *monthUse) add(o monthUse) {
	s.Messages += o.Messages
	s.Bytes += o.Bytes
	s.Delivered += o.Delivered
	s.Failed += o.Failed
}

func summedOf(u *store.Usage) monthUse {
	return monthUse{u.Charged.Messages, u.Charged.Bytes, u.Delivered, u.Failed}
}

// billedSum counts invoices; credit notes and what they take back are left out.
type billedSum struct {
	Open    int   `json:"open"`
	Owed    int64 `json:"owed"`    // of the open ones, minor units
	Waiting int64 `json:"waiting"` // of that, for what is had only when it is paid
	Paid    int   `json:"paid"`
	Earned  int64 `json:"total_paid"` // minor units, also what was paid of open ones
}

// rolledView is one account of it.
type rolledView struct {
	Account string   `json:"account"`
	State   string   `json:"state"`
	Contact *string  `json:"contact"` // null: none
	Now     monthUse `json:"this_month"`
	Last    monthUse `json:"last_month"`
	Owed    int64    `json:"owed"`
	Balance int64    `json:"balance"`

	contact string
}

func (c *call) rollUp(w store.Wanted) (*rollUp, error) {
	sum := &rollUp{Currency: c.st.Currency(), List: []rolledView{}}
	month := c.month()
	count := func(i *store.Invoice) error { sum.Invoices.add(i); return nil }
	err := c.st.InvoicesTo(w.Owner, count)
	if w.Reseller != "" {
		err = c.st.InvoicesThrough(w.Reseller, count)
	}
	if err != nil {
		return nil, err
	}
	err = c.st.EachStanding(w, func(st *store.Standing) error {
		v, err := c.rolled(st, month)
		if err != nil {
			return err
		}
		sum.Now.add(v.Now)
		sum.Last.add(v.Last)
		sum.Balance += v.Balance
		sum.Kept += max(v.Balance, 0)
		sum.List = append(sum.List, v)
		return nil
	})
	return sum, err
}

// month is the first day of the present one.
func (c *call) month() time.Time {
	now := c.now().In(c.st.Zone())
	return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// rolled is one account of it.
func (c *call) rolled(st *store.Standing, month time.Time) (rolledView, error) {
	a := &st.Account
	v := rolledView{Account: a.Name, State: accountState(st), Contact: orNull(a.Contact), Balance: a.Balance, contact: a.Contact}
	list, err := c.st.Usages(a.Name)
	if err != nil {
		return v, err
	}
	this, last := month.Format("2006-01"), month.AddDate(0, -1, 0).Format("2006-01")
	for i := range list {
		switch u := summedOf(&list[i]); {
		case strings.HasPrefix(list[i].Period, this):
			v.Now.add(u)
		case strings.HasPrefix(list[i].Period, last):
			v.Last.add(u)
		}
	}
	invoices, err := c.st.InvoicesOf(a.Name, true)
	for i := range invoices {
		v.Owed += invoices[i].Open()
	}
	return v, err
}

func (b *billedSum) add(i *store.Invoice) {
	switch {
	case i.Kind == store.CreditNote:
	case i.State == store.InvoiceOpen:
		b.Open++
		b.Owed += i.Open()
		b.Earned += i.Paid
		if i.Order != nil {
			b.Waiting += i.Open()
		}
	case i.State == store.InvoicePaid:
		b.Paid++
		b.Earned += i.Total
	}
}

func (s *monthUse) text() string {
	return fmt.Sprintf("%s, %s", words.Plural(s.Messages, "e-mail"), words.Size(s.Bytes))
}

func (c *call) showRollUp(head []field, sum *rollUp) error {
	amount := func(n int64) string { return money.Format(n, sum.Currency) }
	b := &sum.Invoices
	if err := writeFields(c.Stdout, append(head, []field{
		{"this month", sum.Now.text()},
		{"last month", sum.Last.text()},
		{"to pay", fmt.Sprintf("%s: %s", words.Plural(int64(b.Open), "invoice"), amount(b.Owed))},
		{"only ordered", ifSo(b.Waiting > 0, amount(b.Waiting)+" of it")},
		{"paid", fmt.Sprintf("%s: %s", words.Plural(int64(b.Paid), "invoice"), amount(b.Earned))},
		{"balance", amount(sum.Balance)},
		{"kept", ifSo(sum.Kept > 0, amount(sum.Kept)+" in their favour, each for its own account")},
		{"accounts", words.Number(int64(len(sum.List)))},
	}...)); err != nil || len(sum.List) == 0 {
		return err
	}
	t := newTable(column{head: "ACCOUNT", least: 16}, column{head: "STATE"}, column{head: "E-MAILS", right: true},
		column{head: "BANDWIDTH", right: true}, column{head: "TO PAY", right: true}, column{head: "CONTACT", least: 7})
	for _, v := range sum.List {
		t.add(v.Account, v.State, words.Number(v.Now.Messages), words.Size(v.Now.Bytes), money.Number(v.Owed, sum.Currency), v.contact)
	}
	if err := c.say(""); err != nil {
		return err
	}
	return t.write(c.Stdout)
}
