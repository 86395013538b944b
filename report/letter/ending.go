package letter

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"relay/report/invoice"
)

// HowToRenew are the placeholders of a template for how to renew. The amount is
// plain, "1234.50", to be copied; it is nothing where the plan is not sold.
var HowToRenew = invoice.Placeholders{"{account}", "{plan}", "{end}", "{amount}"}

// HowToChange are the placeholders of a template for where a customer changes its plan, or
// what happens at the limit and which mail it gets.
var HowToChange = invoice.Placeholders{"{account}", "{plan}"}

// Ending has the content of the letter before a term ends.
type Ending struct {
	Seller  string // who sells the service; "": Host speaks for itself
	Host    string // where the mail is handed over
	Account string

	Reference string // the customer's own text; "": none
	Plan      string
	Holds     string    // what the plan allows, "9,000 e-mails and 90 MB a month"
	State     string    // if it is suspended: how, in words; "": it is not
	LastDay   time.Time // in the operator's zone
	Days      int64     // before the last day; 0: it is today
	Price     string    // of the plan as it is sold now, "EUR 120.00 a year"; "": it is not any more
	Amount    string    // likewise, plain
	Credit    string    // that is lost; "": there is none
	Renewal   *Renewal  // that waits for its payment; nil: none does
	Resold    bool      // a reseller sells it: Seller and Contact are its own, and nothing is said of prices
	Contact   string    // address of the operator; "": not said

	RenewLink string // template of where to renew, see HowToRenew; "": nowhere
	RenewText string // template of how to renew; "": not said
}

// Renewal is an invoice for a further term.
type Renewal struct {
	Title        string // "Invoice R-17"
	For          string // what it says of the term
	Left         string // to be paid, with its currency
	Link         string // where it is paid, filled in; "": nowhere
	Instructions string // how it is paid, filled in; lines; "": none
}

// Subject of the letter: a customer may have accounts with several services.
func (e *Ending) Subject() string {
	return e.seller() + ": account " + invoice.Clean(e.Account) + " for outgoing mail ends on " + e.lastDay()
}

// title heads the letter.
func (e *Ending) title() string {
	return "Your account " + invoice.Clean(e.Account) + " for outgoing mail ends on " + e.lastDay()
}

// seller as customers know it.
func (e *Ending) seller() string {
	return cmp.Or(invoice.Clean(e.Seller), invoice.Clean(e.Host))
}

// foot says who writes, and why.
func (e *Ending) foot() string { return foot(e.Seller, e.Host, e.Contact) }

func foot(seller, host, contact string) string {
	text := "Sent by the outgoing mail service at " + invoice.Clean(host)
	if seller != "" {
		text = "Sent by " + invoice.Clean(seller) + " about the outgoing mail service at " + invoice.Clean(host)
	}
	if contact != "" {
		text += "; contact " + invoice.Clean(contact)
	}
	return text + "."
}

func (e *Ending) lastDay() string { return e.LastDay.Format("2 January 2006") }

// fact is a line of the letter's table.
type fact struct{ Name, Value string }

// section of the letter: paragraphs, lines as they are, and where to go.
type section struct {
	Heading     string
	Text, Lines []string
	Link, Label string // a web address, and what is done there; "": none
}

// words of a letter, for text and for HTML.
type words struct {
	Title    string
	Intro    []string
	Facts    []fact
	Sections []section
	Seller   string // above the title
	Foot     string
}

func (e *Ending) words() words {
	return words{
		Title: e.title(),
		Intro: []string{
			fmt.Sprintf("The last day of your account %s at %s is %s, %s.", invoice.Clean(e.Account), e.seller(), e.lastDay(), e.when()),
			"It does not renew by itself."},
		Facts:    e.facts(),
		Sections: []section{e.goOn(), e.after()},
		Seller:   e.seller(),
		Foot:     e.foot(),
	}
}

func (e *Ending) when() string {
	switch e.Days {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	}
	return fmt.Sprintf("in %d days", e.Days)
}

func (e *Ending) facts() (list []fact) {
	price := e.Price
	if price == "" && !e.Resold {
		price = "the plan is no longer sold; ask for another one"
	}
	plan := e.Plan
	if e.Holds != "" {
		plan += ": " + e.Holds
	}
	for _, f := range []fact{{"Service", "outgoing mail by " + e.Host}, {"Account", e.Account}, {"Reference", e.Reference}, {"State", e.State}, {"Plan", plan}, {"Last day", e.lastDay()},
		{"Price", price}, {"Credit left", e.Credit}} {
		if f.Value = invoice.Clean(f.Value); f.Value != "" {
			list = append(list, f)
		}
	}
	return list
}

// goOn is how the account goes on: by the invoice that waits, else as the operator
// says, else by asking.
func (e *Ending) goOn() section {
	s, to := section{Heading: "To go on"}, "renew"
	if r := e.Renewal; r != nil {
		title := strings.Replace(invoice.Clean(r.Title), "Invoice", "invoice", 1) // within a sentence
		s.Heading = "To go on: pay " + title
		s.Text = []string{fmt.Sprintf("It is for %s, and waits for its payment of %s. Once that is there, the account goes on after its last day.",
			invoice.Clean(r.For), invoice.Clean(r.Left))}
		s.Lines, s.Link = invoice.Shown(r.Instructions, r.Link)
		s.Label, to = "Pay "+title, "pay"
	} else {
		values := []string{e.Account, e.Plan, e.LastDay.Format(time.DateOnly), e.Amount}
		s.Lines, s.Link = invoice.Shown(HowToRenew.FillText(e.RenewText, values...), HowToRenew.FillLink(e.RenewLink, values...))
		s.Label = "Renew the account"
	}
	if len(s.Lines) == 0 && s.Link == "" {
		s.Text = append(s.Text, e.ask(to))
	}
	return s
}

func (e *Ending) ask(to string) string {
	text := "To " + to + " it, answer this mail"
	if e.Contact != "" {
		text += ", or write to " + invoice.Clean(e.Contact)
	}
	return text + "."
}

func (e *Ending) after() section {
	s := section{Heading: "After the last day", Text: []string{
		"Mail that is sent through the account is refused, with a reply that says why. Your data and the account's statement stay."}}
	if e.Credit != "" {
		s.Text = append(s.Text, "Credit that is left is lost with the term: at present "+invoice.Clean(e.Credit)+".")
	}
	return s
}
