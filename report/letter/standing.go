package letter

import (
	"cmp"
	"slices"

	"relay/report/invoice"
	figures "relay/report/words"
)

// Standing is the letter that tells the operator that a source of outgoing mail is listed on
// blocklists, is listed no more, or has lost its address.
type Standing struct {
	Seller string // "": Host speaks for itself
	Host   string
	Source string

	Listings []StandingList // new ones; none: there are no more
	Drained  bool           // other sources take its mail, as far as there are any
	Culprit  string         // account whose mail stays with the source; "": none is known
	Gone     string         // why the address cannot be used; "": it can
}

// StandingList is an entry of a blocklist.
type StandingList struct {
	List   string
	Text   string // why, in its words
	Lookup string // page that says more, and how to be taken off; "": none is known
}

// Subject of the letter.
func (s *Standing) Subject() string { return s.seller() + ": " + s.title() }

func (s *Standing) seller() string { return cmp.Or(invoice.Clean(s.Seller), invoice.Clean(s.Host)) }

func (s *Standing) title() string {
	source := "source " + invoice.Clean(s.Source)
	switch {
	case s.Gone != "":
		return source + " is gone from the machine"
	case len(s.Listings) == 0:
		return source + " is on no blocklist any more"
	}
	return source + " is on " + figures.Plural(int64(len(s.Listings)), "blocklist")
}

// Text of the letter, lines ending with \n.
func (s *Standing) Text() string { l := s.words(); return l.text() }

// HTML of the letter, a whole page.
func (s *Standing) HTML() (string, error) { l := s.words(); return l.html() }

func (s *Standing) words() words {
	l := words{Title: "S" + s.title()[1:], Seller: s.seller(), Foot: foot(s.Seller, s.Host, ""),
		Facts: []fact{{"Host", invoice.Clean(s.Host)}, {"Source", invoice.Clean(s.Source)}}}
	switch {
	case s.Gone != "":
		l.Intro = []string{"The machine lacks the address: " + invoice.Clean(s.Gone) + ".",
			"Mail leaves by the other sources of its pool. Where there is none, it waits and nothing is lost."}
		l.Sections = []section{{Heading: "What to do", Text: []string{"Give the address back to the machine, or take its [[source]] out of the configuration and reload. relay notices within a minute that it is back."}}}
	case len(s.Listings) == 0:
		l.Intro = []string{"No blocklist has the address any more. Mail leaves by it as before."}
	default:
		l.Intro = s.listed()
		l.Facts = append(l.Facts, s.lists()...)
		l.Sections = []section{{Heading: "What to do", Text: s.advice(),
			Lines: []string{"relay source list", "relay source check " + invoice.Clean(s.Source)}}}
	}
	return l
}

func (s *Standing) listed() []string {
	one := len(s.Listings) == 1
	if !s.Drained && one {
		return []string{"A blocklist has the address. It is of minor weight: relay tells you, and sends as before."}
	} else if !s.Drained {
		return []string{"Blocklists have the address. They are of minor weight: relay tells you, and sends as before."}
	}
	text := "relay knows no account to blame for it, so the mail of all accounts moves."
	if s.Culprit != "" {
		text = "Account " + invoice.Clean(s.Culprit) + ", whose mail is blamed most, keeps the address."
	}
	who := "Blocklists have the address."
	if one {
		who = "A blocklist has the address."
	}
	return []string{who + " Other sources of its pool take its mail until it is clean; if there are none, mail leaves by it as before.", text}
}

// advice names the account and the lists' pages only where the letter has them.
func (s *Standing) advice() []string {
	text := "Find out why before you ask to be taken off: a list that finds the cause still there lists the address again, for longer."
	if s.Drained && s.Culprit != "" {
		text += " Look at the mail of account " + invoice.Clean(s.Culprit) + ", and suspend it if need be."
	} else {
		text += " relay delivery sites has the last replies."
	}
	if slices.ContainsFunc(s.Listings, func(l StandingList) bool { return l.Lookup != "" }) {
		text += " Then follow the list's page."
	}
	return []string{text}
}

func (s *Standing) lists() (facts []fact) {
	for _, one := range s.Listings {
		for _, f := range []fact{{"List", one.List}, {"It says", one.Text}, {"Page", one.Lookup}} {
			if f.Value = invoice.Clean(f.Value); f.Value != "" {
				facts = append(facts, f)
			}
		}
	}
	return facts
}
