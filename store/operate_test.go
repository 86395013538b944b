package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/spool"
	"relay/store/spooled"
)

// states of a message's recipients, in the order in which they were named.
func states(t testing.TB, s *Store, id spooled.ID) (list []string) {
	t.Helper()
	m, err := s.Spool.QueueMessage(id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		text := string(r.State)
		if r.Held {
			text += ", held"
		}
		list = append(list, text)
	}
	return list
}

func operate(t testing.TB, s *Store, o spool.Operation, ids ...spooled.ID) spool.Effect {
	t.Helper()
	is, err := s.Spool.Operate(o, ids)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	return is
}

// What names recipients acts on those recipients, and counts them: the others keep
// their mail, whatever is done.
func TestOperate_actsOnThoseNamed(t *testing.T) {
	for _, f := range []spooled.Filter{{Domain: "b.test"}, {Recipient: "y@b.test"}, {Recipient: "@B.test"}} {
		s, _ := newStore(t)
		addAccount(t, s, "acme", quota.Plan{})
		m := accept(t, s, "acme", 100, "x@a.test", "y@b.test", "z@a.test")
		for _, step := range []struct {
			op     spool.Op
			states []string
			same   bool
		}{
			{spool.OpHold, []string{"queued", "queued, held", "queued"}, false},
			{spool.OpHold, []string{"queued", "queued, held", "queued"}, true},
			{spool.OpRetry, []string{"queued", "queued, held", "queued"}, true},
			{spool.OpRelease, []string{"queued", "queued", "queued"}, false},
			{spool.OpRelease, []string{"queued", "queued", "queued"}, true},
			{spool.OpRetry, []string{"queued", "queued", "queued"}, false},
			{spool.OpDrop, []string{"queued", "dropped", "queued"}, false},
			{spool.OpDrop, []string{"queued", "dropped", "queued"}, true},
		} {
			is := operate(t, s, spool.Operation{Op: step.op, Of: &f}, m.ID)
			want := spool.Effect{Done: []spooled.ID{m.ID}, Recipients: 1, Domains: map[string]bool{"b.test": true}}
			if step.same {
				want = spool.Effect{Same: []spooled.ID{m.ID}}
			}
			if fmt.Sprint(is) != fmt.Sprint(want) {
				t.Errorf("%+v, %s: %+v, want %+v", f, step.op, is, want)
			}
			if got := states(t, s, m.ID); !slices.Equal(got, step.states) {
				t.Errorf("%+v, after %s: %q, want %q", f, step.op, got, step.states)
			}
		}
		if u, _ := s.Usage("acme", "2026-11"); u.Failed != 1 || u.Queued != 2 || u.Charged.Messages != 3 {
			t.Errorf("usage %+v", u)
		}
	}
}

// Of several recipients at one domain those that are held stay, and those that are
// named are tried; the others wait for their time.
func TestOperate_withinADomain(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	m := accept(t, s, "acme", 100, "x@a.test", "y@a.test", "z@a.test")
	only := func(who string) *spooled.Filter { return &spooled.Filter{Recipient: who} }
	claimed := func() []int {
		t.Helper()
		list := claim(t, s, "a.test", "acme", 1)
		if len(list) == 0 {
			return nil
		}
		settle(t, s, list[0], spooled.Deferred)
		verify(t, s)
		return list[0].Rcpts
	}
	operate(t, s, spool.Operation{Op: spool.OpHold, Of: only("x@a.test")}, m.ID)
	if got := claimed(); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("x is held, claimed %v", got)
	}
	c.add(time.Second)
	operate(t, s, spool.Operation{Op: spool.OpRetry, Of: only("z@a.test")}, m.ID)
	if got := claimed(); !slices.Equal(got, []int{2}) {
		t.Errorf("z is to be tried, claimed %v", got)
	}
	operate(t, s, spool.Operation{Op: spool.OpRelease, Of: only("x@a.test")}, m.ID)
	if got := claimed(); !slices.Equal(got, []int{0}) {
		t.Errorf("x was released, claimed %v", got)
	}
	c.add(5 * time.Minute)
	got := claim(t, s, "a.test", "acme", 1)
	if len(got) != 1 || !slices.Contains(got[0].Rcpts, 1) || slices.Contains(got[0].Rcpts, 2) {
		t.Fatalf("y is due, z not yet; claimed %+v", got)
	}
	if err := s.Spool.Return(got); err != nil {
		t.Fatal(err)
	}
	now, err := s.Spool.QueueMessage(m.ID)
	if err != nil || now.Recipients[1].Tries != 1 || now.Recipients[2].Tries != 2 || now.Recipients[0].Tries != 1 {
		t.Errorf("tries %+v, %v", now.Recipients, err)
	}
}

// What is dropped is told to the sender where it is certainly the customer's own,
// and to nobody where it is not, or that is not wanted.
func TestOperate_dropTells(t *testing.T) {
	for _, c := range []struct {
		name    string
		contact string
		notify  spooled.Notify
		tell    bool
		want    bool
	}{
		{"the contact", "a@src.test", 0, true, true},
		{"the contact, silently", "a@src.test", 0, false, false},
		{"the contact, which wants to hear nothing", "a@src.test", spooled.NotifyNever, true, false},
		{"anybody", "boss@src.test", 0, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, clock := newStore(t)
			addAccount(t, s, "acme", quota.Plan{})
			_, err := s.ChangeAccount(behalf.Order{}, "acme", func(a *Account) (Change, error) { a.Contact = c.contact; return Change{}, nil })
			if err != nil {
				t.Fatal(err)
			}
			s.Spool.SetDSNs(plainDSNs(s, 0, ""))
			in := intake(s, "acme", 100, "x@a.test", "y@b.test")
			in.Message.Recipients[1].Notify = c.notify
			if r, err := s.Accept(in); r != nil || err != nil {
				t.Fatal(r, err)
			}
			operate(t, s, spool.Operation{Op: spool.OpDrop, Of: &spooled.Filter{Domain: "b.test"}, Tell: c.tell}, in.Message.ID)
			clock.add(time.Minute)
			sendDSNs(t, s)
			got := dsnBodies(t, s)
			if told := len(got) == 1 && strings.HasPrefix(got[0], "y@b.test failed "); told != c.want || len(got) > 1 {
				t.Errorf("DSNs %q, want one: %v", got, c.want)
			}
		})
	}
}
