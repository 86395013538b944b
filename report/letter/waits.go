package letter

import (
	"cmp"
	"fmt"
	"time"

	"relay/report/invoice"
	figures "relay/report/words"
)

// Waits is the letter that says that an account's mail waits: its first sendings, for the
// daily limit, or all of its mail to a provider. It goes to the customer and to the operator.
type Waits struct {
	Seller  string // who sells the service; "": Host speaks for itself
	Host    string
	Contact string // who is asked; "": not said
	Account string
	ToOwner bool // it goes to the operator

	Recipients int64     // first sendings that wait
	Cap        int       // of them a day, now
	LastDay    time.Time // on which the last of them goes out, in the operator's zone

	Provider string // where mail is held; "": first sendings wait
	Reason   string // unknown, complaints or blame
	Reply    string // the last reply that led there
	Until    time.Time
}

// Subject of the letter.
func (w *Waits) Subject() string { return w.seller() + ": " + w.title() }

func (w *Waits) seller() string { return cmp.Or(invoice.Clean(w.Seller), invoice.Clean(w.Host)) }

func (w *Waits) title() string {
	whose := "your account "
	if w.ToOwner {
		whose = "account "
	}
	if w.Provider != "" {
		return "mail of " + whose + invoice.Clean(w.Account) + " is held at " + invoice.Clean(w.Provider)
	}
	return "some mail of " + whose + invoice.Clean(w.Account) + " waits until " + day(w.LastDay)
}

func day(t time.Time) string { return t.Format("2 January 2006") }

// Text of the letter, lines ending with \n.
func (w *Waits) Text() string { l := w.words(); return l.text() }

// HTML of the letter, a whole page.
func (w *Waits) HTML() (string, error) { l := w.words(); return l.html() }

func (w *Waits) words() words {
	title := w.title()
	l := words{Title: "M" + title[1:], Seller: w.seller(), Foot: foot(w.Seller, w.Host, w.Contact)}
	if w.Provider == "" {
		l.Title = "S" + title[1:]
		l.Intro, l.Facts, l.Sections = w.first()
	} else {
		l.Intro, l.Facts, l.Sections = w.held()
	}
	facts := []fact{{"Service", "outgoing mail by " + w.Host}, {"Account", w.Account}}
	for _, f := range append(facts, l.Facts...) {
		if f.Value = invoice.Clean(f.Value); f.Value != "" {
			facts = append(facts, f)
		}
	}
	l.Facts = facts[2:]
	return l
}

// first is about first sendings.
func (w *Waits) first() ([]string, []fact, []section) {
	intro := []string{"The account has sent mail to many recipients that it never wrote to before, more than its limit for a day.",
		"The mail is accepted and nothing is lost: it goes out by itself, some each day, and the time limit for its delivery starts only then."}
	facts := []fact{{"Waiting", figures.Plural(w.Recipients, "recipient")},
		{"A day", fmt.Sprintf("%s new recipients now; the number doubles with each day without trouble", figures.Number(int64(w.Cap)))},
		{"Out on", day(w.LastDay) + ", the last of them"}}
	why := section{Heading: "Why", Text: []string{
		"The large mail providers block senders that suddenly write to many people they never wrote to. So the number of new recipients grows with the account's record. Mail to recipients that it wrote to in the last year is not held back."}}
	return intro, facts, []section{why, w.next("If it has to go out earlier", "account set "+w.Account+" --first-cap N")}
}

// held is about a hold at a provider.
func (w *Waits) held() ([]string, []fact, []section) {
	because := map[string]string{
		"unknown":    "too many of the recipients do not exist there",
		"complaints": "too many recipients there complained about the mail",
	}[w.Reason]
	intro := []string{"Mail of the account to " + invoice.Clean(w.Provider) + " is held back for a day: " + cmp.Or(because, "the provider blames it for its mail") + ".",
		"The mail waits and goes out afterwards, slowly at first. Mail to other providers is not affected."}
	facts := []fact{{"Provider", w.Provider}, {"Until", w.Until.Format("2 January 2006, 15:04 MST")}, {"Last reply", w.Reply}}
	clean := section{Heading: "What to do", Text: []string{
		"Remove recipients that do not exist, or that did not ask for the mail, from the list. The provider judges all mail of the sender by this, and blocks it if nothing changes."}}
	return intro, facts, []section{clean, w.next("If it is a mistake", "queue retry --domain DOMAIN")}
}

// next is whom to ask or, for the operator, what to run.
func (w *Waits) next(heading, command string) section {
	s := section{Heading: heading}
	switch {
	case w.ToOwner:
		s.Lines = []string{"relay " + invoice.Clean(command)}
	case w.Contact != "":
		s.Text = []string{"Answer this mail, or write to " + invoice.Clean(w.Contact) + "."}
	default:
		s.Text = []string{"Answer this mail."}
	}
	return s
}
