package cli

import (
	"fmt"

	"relay/report/money"
	"relay/store"
)

// rollUp is what the accounts of a customer, or below a reseller, add up to.
type rollUp struct {
	Now      summed       `json:"this_period"` // of each account the one that runs
	Last     summed       `json:"last_period"` // of each account the one before
	Invoices billedSum    `json:"invoices"`
	Balance  int64        `json:"balance"` // minor units, positive: in their favour
	Currency string       `json:"currency"`
	List     []rolledView `json:"list"`
}

// summed is the use of a period.
type summed struct {
	Messages  int64 `json:"messages"`
	Bytes     int64 `json:"bytes"`
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
}

func (s *summed) add(o summed) {
	s.Messages += o.Messages
	s.Bytes += o.Bytes
	s.Delivered += o.Delivered
	s.Failed += o.Failed
}

func summedOf(u *store.Usage) summed {
	return summed{u.Charged.Messages, u.Charged.Bytes, u.Delivered, u.Failed}
}

// billedSum counts invoices; credit notes and what they take back are left out.
type billedSum struct {
	Open   int   `json:"open"`
	Owed   int64 `json:"owed"` // of the open ones, minor units
	Paid   int   `json:"paid"`
	Earned int64 `json:"total_paid"` // minor units, also what was paid of open ones
}

// rolledView is one account of it.
type rolledView struct {
	Account string `json:"account"`
	State   string `json:"state"`
	Contact string `json:"contact"`
	Period  string `json:"period"`
	Now     summed `json:"this_period"`
	Last    summed `json:"last_period"`
	Owed    int64  `json:"owed"`
	Balance int64  `json:"balance"`
}

func (c *call) rollUp(w store.Wanted) (*rollUp, error) {
	sum := &rollUp{Currency: c.st.Billing().Currency, List: []rolledView{}}
	err := c.st.EachStanding(w, func(st *store.Standing) error {
		v, err := c.rolled(st, &sum.Invoices)
		if err != nil {
			return err
		}
		sum.Now.add(v.Now)
		sum.Last.add(v.Last)
		sum.Balance += v.Balance
		sum.List = append(sum.List, v)
		return nil
	})
	return sum, err
}

// rolled is one account; its invoices are added to those of all.
func (c *call) rolled(st *store.Standing, all *billedSum) (rolledView, error) {
	a := &st.Account
	v := rolledView{
		Account: a.Name, State: c.accountView(a).State, Contact: a.Contact,
		Period: st.Period.Key, Now: summedOf(&st.Usage), Balance: a.Balance,
	}
	list, err := c.st.Usages(a.Name)
	if err != nil {
		return v, err
	}
	for i := range list { // the one before, by date
		if list[i].Period < v.Period {
			v.Last = summedOf(&list[i])
		}
	}
	invoices, err := c.st.InvoicesOf(a.Name, false)
	for i := range invoices {
		inv := &invoices[i]
		switch {
		case inv.Kind == store.CreditNote:
			continue
		case inv.State == store.InvoiceOpen:
			all.Open++
			all.Owed += inv.Open()
			all.Earned += inv.Paid
			v.Owed += inv.Open()
		case inv.State == store.InvoicePaid:
			all.Paid++
			all.Earned += inv.Total
		}
	}
	return v, err
}

func (s *summed) text() string {
	return fmt.Sprintf("%s, %s", plural(s.Messages, "e-mail"), size(s.Bytes))
}

func (c *call) showRollUp(head []field, sum *rollUp) error {
	amount := func(n int64) string { return money.Format(n, sum.Currency) }
	b := &sum.Invoices
	if err := writeFields(c.Stdout, append(head, []field{
		{"this period", sum.Now.text()},
		{"last period", sum.Last.text()},
		{"to pay", fmt.Sprintf("%s: %s", plural(int64(b.Open), "invoice"), amount(b.Owed))},
		{"paid", fmt.Sprintf("%s: %s", plural(int64(b.Paid), "invoice"), amount(b.Earned))},
		{"balance", amount(sum.Balance)},
		{"accounts", number(int64(len(sum.List)))},
	}...)); err != nil || len(sum.List) == 0 {
		return err
	}
	t := newTable(column{head: "ACCOUNT", least: 16}, column{head: "STATE"}, column{head: "E-MAILS", right: true},
		column{head: "BANDWIDTH", right: true}, column{head: "TO PAY", right: true}, column{head: "CONTACT", least: 7})
	for _, v := range sum.List {
		t.add(v.Account, v.State, number(v.Now.Messages), size(v.Now.Bytes), money.Number(v.Owed, sum.Currency), v.Contact)
	}
	if err := c.say(""); err != nil {
		return err
	}
	return t.write(c.Stdout)
}
