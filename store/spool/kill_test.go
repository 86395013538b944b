package spool

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// toll is what the life of a relay has come to.
type toll struct {
	accepted int64           // e-mails of acme
	told     map[string]bool // messages and their recipients that failed, of which senders are to be told
}

const messagesOfLife = replanStep + 10 // more than one step of a chore

// live does all that takes several transactions, until the first error.
func (f *fixture) live(is *toll) error {
	for i := range messagesOfLife {
		m := f.message("acme", "x@a.test", fmt.Sprintf("y@d%d.test", i))
		m.Login = "phone"
		if err := f.accept(m); err != nil {
			return err
		}
		is.accepted += 2
	}
	return firstError(
		func() error { return f.fail("d0.test", is) },
		func() error { return f.tx(func(t *Tx) error { return t.StopQueue("acme") }) },
		f.parkAll,
		func() error { f.db.Pass(time.Minute); _, _, err := f.SendDSNs(); return err },
		func() error { return f.tx(func(t *Tx) error { _, err := t.StartQueue("acme"); return err }) },
		f.chores,
		func() error {
			return f.tx(func(t *Tx) error {
				return t.HoldMail(&people.Credential{Login: "phone", Account: "acme", Hold: &people.LoginHold{Since: t.Wall}})
			})
		},
		func() error { return f.take("a.test", 200, nil) }, // holds mostPutOff
		func() error { return f.take("a.test", 200, nil) },
		func() error { return f.tx(func(t *Tx) error { return t.ReleaseLater("acme", "phone") }) },
		func() error { _, err := f.ReleaseNow("acme", "phone"); return err },
		func() error { return f.take("a.test", 3, f.Return) },
		func() error { return f.take("a.test", 3, f.Dialled) },
		func() error {
			_, err := f.Refusals.AddSuppressions(behalf.Order{}, "acme", []refusals.Suppression{{Recipient: "y@d1.test"}})
			return err
		},
		func() error { return f.take("d1.test", 3, nil) },
		func() error { return f.fail("d2.test", is) },
		f.drop,
	)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (f *fixture) tx(fn func(*Tx) error) error { return f.UpdateThen(0, fn) }

// take claims, and hands on what it got.
func (f *fixture) take(domain string, most int, then func([]Claimed) error) error {
	list, err := f.Claim([]Want{{spooled.Lane{Domain: domain, Account: "acme"}, most}}, f.later)
	if err != nil || then == nil {
		return err
	}
	return then(list)
}

// fail has a message fail for its recipient at a domain.
func (f *fixture) fail(domain string, is *toll) error {
	return f.take(domain, 1, func(list []Claimed) error {
		err := f.Settle(result(list[0], failed()))
		if err == nil {
			is.told[list[0].Message.ID.String()+" y@"+domain] = true
		}
		return err
	})
}

// parkAll asks for mail of all lanes at once.
func (f *fixture) parkAll() error {
	want := []Want{{spooled.Lane{Domain: "a.test", Account: "acme"}, 1}}
	for i := range messagesOfLife {
		want = append(want, Want{spooled.Lane{Domain: fmt.Sprintf("d%d.test", i), Account: "acme"}, 1})
	}
	_, err := f.Claim(want, f.later)
	return err
}

func (f *fixture) chores() (err error) {
	for more := true; more && err == nil; {
		more, err = f.Chores.Do()
	}
	return err
}

// drop what is queued but for some, in more than one transaction.
func (f *fixture) drop() error {
	var ids []spooled.ID
	for _, m := range f.all() {
		if m.Period != "" {
			ids = append(ids, m.ID)
		}
	}
	_, err := f.Operate(Operation{Op: OpDrop, Of: &spooled.Filter{Recipient: "@a.test"}, Tell: true}, ids)
	return err
}

// rest has all go that is left. It returns how often the sender of each message was told of a recipient.
func (f *fixture) rest() map[string]int {
	f.Helper()
	told := map[string]int{}
	f.do(func(t *Tx) error {
		_, err := t.StartQueue("acme")
		return errors.Join(err, t.ReleaseLater("acme", "phone"))
	})
	f.doChores()
	for len(f.all()) > 0 {
		f.db.Pass(day)
		_, _, err := f.SendDSNs()
		f.check(err)
		var want []Want
		for _, l := range f.dueLanes() {
			want = append(want, Want{l, 300})
		}
		list, err := f.Claim(want, f.later)
		f.check(err)
		for _, c := range list {
			if c.Message.About != (spooled.ID{}) {
				for _, word := range strings.Fields(f.body(c.Message.ID)) {
					told[c.Message.About.String()+" "+word]++
				}
			}
		}
		f.settle(spooled.Delivered, list...)
	}
	return told
}

// After a kill behind any commit each e-mail that was accepted is still there or has its outcome, is
// counted once, and goes when its time comes. Each sender is told once of what failed.
func TestSpool_killed(t *testing.T) {
	f := begin(t, roomtest.Open)
	f.check(f.live(&toll{told: map[string]bool{}}))
	all, _ := f.db.Engine().Commits()
	for n := 3; n <= int(all); n++ {
		if n > 20 && n < messagesOfLife {
			continue // another message came in
		}
		f, is := begin(t, roomtest.Open), toll{told: map[string]bool{}}
		f.commits = n
		if err := f.live(&is); err != nil && !errors.Is(err, errPower) {
			t.Fatal(err)
		}
		f.kill()
		f.audit()
		told := f.rest()
		f.audit()
		if p := f.progress("acme"); p.Delivered+p.Failed != is.accepted || p.Waiting+p.Stored+p.Deferred != 0 {
			t.Errorf("killed after %d commits: of %d e-mails %+v", n, is.accepted, p)
		}
		for who, times := range told {
			if strings.Contains(who, "@") && times != 1 {
				t.Errorf("killed after %d commits: the sender is told %d times of %s", n, times, who)
			}
		}
		for who := range is.told {
			if told[who] != 1 {
				t.Errorf("killed after %d commits: the sender is told %d times of %s", n, told[who], who)
			}
		}
		f.db.Close(t)
	}
}
