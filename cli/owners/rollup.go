package owners

import (
	"fmt"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/field"
	"relay/report/api/owners"
	"relay/report/money"
	"relay/report/words"
)

// rollUpText is for the commands that show it.
const rollUpText = `Use is by month; a period of 30 days counts in the month in which it began. A moved account takes its use and its balance with it. A removed account counts no more: relay account close ends one and keeps its figures. Invoices count for the owner that the account had when they were issued.`

func useText(u owners.Use) string {
	return fmt.Sprintf("%s, %s", words.Plural(u.Messages, "e-mail"), words.Size(u.Bytes))
}

// showRollUp shows a sum over accounts below what it is of.
func showRollUp(e *shell.Env, head []term.Field, sum *owners.RollUp) error {
	amount := func(n int64) string { return money.Format(n, sum.Currency) }
	b := &sum.Invoices
	if err := term.WriteFields(e.Stdout, append(head, []term.Field{
		{"this month", useText(sum.Now)},
		{"last month", useText(sum.Last)},
		{"to pay", fmt.Sprintf("%s: %s", words.Plural(int64(b.Open), "invoice"), amount(b.Owed))},
		{"only ordered", words.If(b.Waiting > 0, amount(b.Waiting)+" of it")},
		{"paid", fmt.Sprintf("%s: %s", words.Plural(int64(b.Paid), "invoice"), amount(b.Earned))},
		{"balance", amount(sum.Balance)},
		{"kept", words.If(sum.Kept > 0, amount(sum.Kept)+" in their favour, each for its own account")},
		{"accounts", words.Number(int64(len(sum.List)))},
	}...)); err != nil || len(sum.List) == 0 {
		return err
	}
	t := term.NewTable(term.Column{Head: "ACCOUNT", Least: 16}, term.Column{Head: "STATE"}, term.Column{Head: "E-MAILS", Right: true},
		term.Column{Head: "BANDWIDTH", Right: true}, term.Column{Head: "TO PAY", Right: true}, term.Column{Head: "CONTACT", Least: 7, First: true})
	for _, p := range sum.List {
		t.Add(p.Account, p.State, words.Number(p.Now.Messages), words.Size(p.Now.Bytes), money.Number(p.Owed, sum.Currency), field.Or0(p.Contact))
	}
	if err := e.Say(""); err != nil {
		return err
	}
	return t.Print(e.Stdout)
}
