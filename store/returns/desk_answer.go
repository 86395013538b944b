package returns

import (
	"errors"
	"slices"
	"strings"

	"relay/store/bucket"
	"relay/store/maildomain"
	"relay/store/news"
	"relay/store/room"
)

// An abuse desk that complains gets an answer that says what was done (M8):
//
//  1. the complaint counts, see Record, and may warn or suspend the account;
//  2. AnswerDesk stores the answer as news, before the complaint is acknowledged: a crash
//     between the two has the desk's server send it again, which counts nothing twice;
//  3. the news is told like any other.
//
// A desk gets one answer about an account a day, mostDesk of them about different ones, and all
// desks together mostDesks: else a sender of complaints could make relay write mail in any
// number. The answers of today are one record, bucket "told", key NUL "desks".

// DeskCase is a complaint of an abuse desk that was counted.
type DeskCase struct {
	Desk      string // its address, which the caller has proven
	Account   string // whose mail it is about
	Recipient string // of that mail; "": not known
	MessageID string // of the complaint, with brackets; "": it has none
}

const (
	mostDesk  = 10  // answers to one address a day
	mostDesks = 200 // answers to all of them
)

// deskDay is what desks were told on a day.
type deskDay struct {
	Day  int      `json:"day"`
	Told []string `json:"told,omitempty"` // address NUL account
}

// AnswerDesk stores that a desk is to be answered, and reports false where it was answered
// enough.
func (s *Returns) AnswerDesk(c *DeskCase) (yes bool, err error) {
	desk := strings.ToLower(c.Desk)
	err = s.update(1024, func(t *tx) error {
		yes = false
		if _, err := t.s.Books.AccountIn(&t.Tx, c.Account); err != nil {
			if errors.Is(err, room.ErrNotFound) {
				return nil
			}
			return err
		}
		var d deskDay
		if _, err := t.Read(bucket.ToldOf, room.Pair("", "desks"), &d); err != nil {
			return err
		}
		if today := room.DayNumber(t.Wall, t.s.o.Zone); d.Day != today {
			d = deskDay{Day: today}
		}
		if !d.takes(desk, c.Account) {
			return nil
		}
		yes = true
		n := news.Item{Kind: news.Desk, Account: c.Account, About: desk, Why: c.MessageID}
		if mailbox, ok := maildomain.Mailbox(c.Recipient); ok {
			is, err := t.s.Refusals.Suppression(&t.Tx, c.Account, mailbox)
			if err != nil {
				return err
			}
			if is != nil {
				n.Reason = news.ReasonSuppressed
			}
		}
		return errors.Join(t.Write(bucket.ToldOf, room.Pair("", "desks"), d), t.s.News.Add(&t.Tx, n))
	})
	return yes, err
}

// takes reports whether there is room for an answer, and takes it.
func (d *deskDay) takes(desk, account string) bool {
	key, mine := desk+"\x00"+account, 0
	for _, told := range d.Told {
		if strings.HasPrefix(told, desk+"\x00") {
			mine++
		}
	}
	if slices.Contains(d.Told, key) || mine >= mostDesk || len(d.Told) >= mostDesks {
		return false
	}
	d.Told = append(d.Told, key)
	return true
}
