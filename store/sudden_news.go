package store

import "time"

// What states and limits do is told at once, and may be brought about as often as somebody
// likes: a reseller suspends and resumes an account of its own, or moves its ceiling, in a
// loop, and has set a stranger's address as its contact. So an account gets mostSudden of such
// mails in a day. What comes beyond them waits until the day is over; then what holds by that
// time is told, once of states and once of limits.
const (
	mostSudden = 20
	suddenDay  = 24 * time.Hour
)

// sudden groups the kinds that are told at once; "": it is not one of them.
func (k NewsKind) sudden() Topic {
	switch k {
	case NewsSuspended, NewsResumed:
		return TopicStanding
	case NewsReached, NewsOverage, NewsCeiling:
		return TopicLimit
	}
	return ""
}

// holdBack counts sudden news, and has those wait that come too often. Bucket "told", key
// account NUL "sudden", is since when it counts, and how many there were.
func (t *tx) holdBack(n *News) error {
	if n.Kind.sudden() == "" {
		return nil
	}
	key, m := pairKey(n.Account, "sudden"), toldMark{}
	if _, err := t.get(toldOf, key, &m); err != nil {
		return err
	}
	if age := t.wall.Sub(m.At); age < 0 || age >= suddenDay {
		m = toldMark{At: t.wall}
	}
	if m.Step < mostSudden {
		m.Step++
		return t.put(toldOf, key, m)
	}
	n.Held, n.Due = true, m.At.Add(suddenDay)
	return t.dropHeld(n)
}

// dropHeld drops what waits and is overtaken by news.
func (t *tx) dropHeld(n *News) error {
	list, err := all[News](t, newsOf, pairKey(n.Account, ""))
	for i := range list {
		if old := &list[i]; err == nil && old.Held && old.Kind.sudden() == n.Kind.sudden() {
			err = t.dropNews(old)
		}
	}
	return err
}

// overtaken reports whether the state that news was held back about is over.
func (n *News) overtaken(a *Account) bool {
	return n.Held && (n.Kind == NewsSuspended && a.Status() != Suspended || n.Kind == NewsResumed && a.Status() != Active)
}
