package strangers

import (
	"bytes"
	"fmt"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/room"
)

// Rules are how first sendings are limited.
type Rules struct {
	Cap    int                      // recipients on an account's first day; 0: there is no cap
	Direct func(domain string) bool // whether mail to a domain goes by MX; nil: none does
	Way    string                   // what Direct follows from, as a text: if it changes, what waits is planned anew
}

// SetRules says how first sendings are limited from now on. Until it is called, they are not. Where the
// rules differ from those of the last call, also of one before a restart, it leaves chores that plan
// anew what waits.
func (s *Strangers) SetRules(how Rules) error {
	was := s.rules.Swap(&how)
	if was != nil && was.Cap == how.Cap && was.Way == how.Way {
		return nil
	}
	return s.replanIfChanged(&how)
}

// keyRules is the key in bucket "meta" of the rules by which first sendings were planned last.
var keyRules = []byte("strangers")

// replanIfChanged leaves the chores if what waits was planned by other rules.
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
			k, _ = c.Seek(append(bytes.Clone(account), 1)) // after all of the account's
		}
		return t.Put(bucket.Meta, keyRules, []byte(is))
	})
}
