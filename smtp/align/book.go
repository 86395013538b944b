package align

import (
	"cmp"
	"strings"
	"time"

	"relay/store/remark"
	"relay/store/spooled"
)

// Bounds of what is in memory. Mail beyond them is not remarked.
const (
	mostClaims   = 20_000 // between two saves
	mostSubjects = 256    // of an account
	mostAccounts = 2_000  // whose subjects are counted

	// ManyRecipients of one subject on a day make mail bulk.
	ManyRecipients = 200
)

// signers are the domains of a message's own signatures, as text so that claims compare.
type signers string

func (s signers) list() []string { return strings.Fields(string(s)) }

// claim is what messages have in common that are judged alike.
type claim struct {
	account, from, sender string // domains
	signers               signers
}

// claim of a message. It holds no part of the header in memory.
func (m *Message) claim() claim {
	return claim{m.Account, strings.Clone(m.from()), cmp.Or(m.Return, domainOf(m.Sender)), signers(strings.Clone(strings.Join(m.Signers, " ")))}
}

// book has what came in since the last save, and the subjects of the day.
type book struct {
	day      string
	claims   map[dayClaim]*tally
	sent     map[dayRemark]*tally
	subjects map[string]map[uint64]int // recipients by account and hash
}

type dayClaim struct {
	claim
	day string
}

type dayRemark struct{ account, day, kind, domain string }

// tally counts messages, or recipients.
type tally struct {
	count   int64
	last    time.Time
	message spooled.ID
}

func newBook() *book {
	return &book{claims: map[dayClaim]*tally{}, sent: map[dayRemark]*tally{}, subjects: map[string]map[uint64]int{}}
}

func (b *book) add(c claim, m *Message, day string, now time.Time) {
	if b.day != day {
		b.day = day
		clear(b.subjects)
	}
	count(b.claims, dayClaim{c, day}, 1, m.ID, now)
	for i, domain := range m.Recipients {
		if i > 0 && domain == m.Recipients[i-1] {
			continue // counted with the first of them
		}
		if p, ok := providers[domain]; ok {
			n := 1
			for n < len(m.Recipients)-i && m.Recipients[i+n] == domain {
				n++
			}
			count(b.sent, dayRemark{m.Account, day, remark.Sent + p.name, c.from}, int64(n), m.ID, now)
		}
	}
	if !m.Unsubscribe && m.Subject != 0 && b.isBulk(m) {
		count(b.sent, dayRemark{m.Account, day, remark.Bulk, c.from}, 1, m.ID, now)
	}
}

func count[K comparable](all map[K]*tally, key K, n int64, id spooled.ID, now time.Time) {
	t := all[key]
	if t == nil {
		if len(all) >= mostClaims {
			return
		}
		t = &tally{}
		all[key] = t
	}
	t.count += n
	t.last, t.message = now, id
}

// isBulk counts the recipients of a message's subject, and reports whether they are many.
func (b *book) isBulk(m *Message) bool {
	of := b.subjects[m.Account]
	if of == nil {
		if len(b.subjects) >= mostAccounts {
			return false
		}
		of = map[uint64]int{}
		b.subjects[m.Account] = of
	}
	if _, known := of[m.Subject]; !known && len(of) >= mostSubjects {
		for subject, n := range of { // one that few got, in the map's order
			if n < ManyRecipients/2 {
				delete(of, subject)
				break
			}
		}
		if len(of) >= mostSubjects {
			return false
		}
	}
	of[m.Subject] += len(m.Recipients)
	return of[m.Subject] >= ManyRecipients
}

// take returns what came in, and leaves the subjects.
func (b *book) take() (claims map[dayClaim]*tally, sent map[dayRemark]*tally) {
	claims, sent = b.claims, b.sent
	b.claims, b.sent = map[dayClaim]*tally{}, map[dayRemark]*tally{}
	return claims, sent
}
