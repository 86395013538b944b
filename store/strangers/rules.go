package strangers

import (
	"bytes"
	"fmt"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/room"
)

// Rules say how many recipients a day an account may reach that it never wrote to (M8).
type Rules struct {
	Cap    int                      // on an account's first day; 0: there is no cap
	Direct func(domain string) bool // mail to a domain goes by MX; nil: nobody's does
	Way    string                   // what Direct follows from: when it changes, what waits is planned anew
}

// SetRules says how first sendings are limited from now on. Before it is called, they
// are not. What waits is planned anew if that is other than at the last call, also before a
// restart.
func (s *Strangers) SetRules(how Rules) error {
	was := s.rules.Swap(&how)
	if was != nil && was.Cap == how.Cap && was.Way == how.Way {
		return nil
	}
	return s.replanIfChanged(&how)
}

// keyRules is where bucket "meta" says by which rules first sendings were planned last.
var keyRules = []byte("strangers")

// replanIfChanged has what waits planned anew if it was planned by other rules.
func (s *Strangers) replanIfChanged(how *Rules) error {
	is := fmt.Sprintf("%d %s", how.Cap, how.Way)
	same := false
	err := s.db.View(func(t room.Tx) error { same = string(t.Get(bucket.Meta, keyRules)) == is; return nil })
	if err != nil || same {
		return err
	}
	return s.db.Update(0, func(t room.Tx) error {
		c := t.Cursor(bucket.Waiting)
		for k, _ := c.First(); k != nil; {
			account, _, _ := bytes.Cut(k, []byte{0})
			if err := chores.Add(&t, chores.Chore{Kind: chores.Replan, Account: string(account), Due: t.Wall}); err != nil {
				return err
			}
			k, _ = c.Seek(append(bytes.Clone(account), 1)) // behind all of the account's
		}
		return t.Put(bucket.Meta, keyRules, []byte(is))
	})
}
