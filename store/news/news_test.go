package news

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// desk is the room on a store in memory.
type desk struct {
	*News
	*roomtest.Store
	t     *testing.T
	begin time.Time
}

func opened(t *testing.T) *desk {
	t.Helper()
	st := roomtest.Open(t)
	return &desk{New(st.DB), st, t, st.Now()}
}

func (d *desk) update(fn func(*room.Tx) error) {
	d.t.Helper()
	d.Do(d.t, fn)
}

func (d *desk) add(list ...Item) {
	d.t.Helper()
	d.update(func(t *room.Tx) error {
		for _, n := range list {
			if err := d.Add(t, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// due are the items that are due, also as "kind account about".
func (d *desk) due(n int) (list []Item, text []string, next time.Time) {
	d.t.Helper()
	list, next, err := d.Due(n)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, n := range list {
		text = append(text, strings.TrimSpace(fmt.Sprintf("%s %s %s", n.Kind, n.Account, n.About)))
	}
	return list, text, next
}

func (d *desk) wantDue(want ...string) []Item {
	d.t.Helper()
	list, text, _ := d.due(100)
	if !slices.Equal(text, want) {
		d.t.Errorf("due are %q, want %q", text, want)
	}
	return list
}

// tell takes away what is due, as told.
func (d *desk) tell() {
	d.t.Helper()
	list, _, _ := d.due(1000)
	d.update(func(t *room.Tx) error {
		for i := range list {
			is, err := Pending(t, &list[i])
			if err != nil || is == nil {
				return fmt.Errorf("%+v is %v, %w", list[i], is, err)
			}
			if err := d.Take(t, is, &list[i]); err != nil {
				return err
			}
			if err := NoteTold(t, is); err != nil {
				return err
			}
		}
		return nil
	})
}

// Each kind remembers what was told in its way.
func TestNews_toldOnce(t *testing.T) {
	d := opened(t)
	for _, x := range []struct {
		add   Item
		after time.Duration
		want  bool
	}{
		{Item{Kind: Reached, About: "2026-11/1"}, 0, true},
		{Item{Kind: Reached, About: "2026-11/1"}, 0, false},
		{Item{Kind: Reached, About: "2026-11/2"}, 0, true},
		{Item{Kind: Reached, About: "2026-12/2"}, 0, true},
		{Item{Kind: Slowed, About: "1"}, 0, true},
		{Item{Kind: Slowed, About: "2"}, 0, true},
		{Item{Kind: Slowed, About: "1"}, forWeek / 2, false},
		{Item{Kind: Slowed, About: "1"}, forWeek, true},
		{Item{Kind: Held, About: "Google"}, 0, true},
		{Item{Kind: Held, About: "Google"}, 0, true},
	} {
		d.Pass(x.after)
		x.add.Account = "acme"
		d.add(x.add, x.add)
		if list, _, _ := d.due(10); len(list) == 1 != x.want || len(list) > 1 {
			t.Errorf("%+v: %d items, want it: %v", x.add, len(list), x.want)
		}
		d.tell()
	}
}

// Reports of a turn of the month come in small batches. Urgent items go before them, also those
// that come later.
func TestNews_order(t *testing.T) {
	d := opened(t)
	for i := range 100 {
		d.add(Item{Kind: Month, Account: fmt.Sprintf("a%02d", i), About: "2026-11", Due: d.begin.Add(time.Hour)})
	}
	if list, _, next := d.due(10); len(list) != 0 || !next.Equal(d.begin.Add(time.Hour)) {
		t.Errorf("%d are due, the next one at %s", len(list), next)
	}
	select {
	case <-d.Added():
	default:
		t.Error("nobody is woken")
	}
	d.Pass(2 * time.Hour)
	if _, text, next := d.due(3); !slices.Equal(text, []string{"month a00 2026-11", "month a01 2026-11", "month a02 2026-11"}) || !next.IsZero() {
		t.Errorf("due are %q, next %s", text, next)
	}
	d.add(Item{Kind: Reached, Account: "acme", About: "2026-11"}, Item{Kind: Resumed, Account: "acme", About: "1", Due: d.Now().Add(time.Hour)})
	if _, text, _ := d.due(2); !slices.Equal(text, []string{"reached acme 2026-11", "month a00 2026-11"}) {
		t.Errorf("due are %q", text)
	}
	d.tell()
	if list, _, next := d.due(3); len(list) != 0 || !next.Equal(d.Now().Add(time.Hour)) {
		t.Errorf("%d are due, the next one at %s", len(list), next)
	}
	d.Pass(-30 * 24 * time.Hour) // the clock was wrong
	list := d.wantDue("resumed acme 1")
	if err := d.PutOff(&list[0], d.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	d.wantDue()
}

// News that cannot be told is out of the way of others.
func TestNews_PutOff(t *testing.T) {
	d := opened(t)
	d.add(Item{Kind: Resumed, Account: "acme", About: "1"}, Item{Kind: Resumed, Account: "acme", About: "2"})
	list := d.wantDue("resumed acme 1", "resumed acme 2")
	if err := d.PutOff(&list[0], d.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.wantDue("resumed acme 2")
	d.Pass(time.Hour)
	if list = d.wantDue("resumed acme 2", "resumed acme 1"); list[1].Tries != 1 {
		t.Errorf("%+v", list[1])
	}
	d.tell()
	if err := d.PutOff(&list[0], d.Now()); err != nil { // told meanwhile
		t.Fatal(err)
	}
	d.wantDue()
}

// Uses that come in while the mail about earlier ones is written are told by a further mail.
func TestNews_AddAccess(t *testing.T) {
	d := opened(t)
	use := func(login string) {
		d.update(func(t *room.Tx) error {
			return d.AddAccess(t, "acme", LoginUse{Login: login, Network: netip.MustParsePrefix("192.0.2.0/24"), At: t.Wall})
		})
	}
	use("a")
	use("b")
	d.wantDue()
	d.Pass(tellAccess)
	told := d.wantDue("access acme")[0]
	for range mostUses {
		use("c")
	}
	d.update(func(t *room.Tx) error {
		is, err := Pending(t, &told)
		if err != nil || is == nil {
			return fmt.Errorf("%v, %w", is, err)
		}
		return d.Take(t, is, &told)
	})
	rest := d.wantDue("access acme")[0]
	if len(told.Access) != 2 || len(rest.Access) != mostUses-2 || rest.Access[0].Login != "c" || rest.Step != 2 {
		t.Errorf("told %+v, left %+v", told, rest)
	}
}

// A kind that is dropped, or an account that is removed, takes its entries of both buckets along.
func TestVerify(t *testing.T) {
	d := opened(t)
	d.add(Item{Kind: Waits, Account: "acme"}, Item{Kind: Ending, Account: "acme", About: "1"}, Item{Kind: Waits, Account: "acme2"})
	d.update(func(t *room.Tx) error { return Drop(t, "acme", Waits) })
	d.wantDue("ending acme 1", "waits acme2")
	faults := func() (list []string) {
		d.update(func(t *room.Tx) error {
			each := func(b engine.Bucket, fn func(k, raw []byte)) error {
				c := t.Cursor(b)
				for k, raw := c.First(); k != nil; k, raw = c.Next() {
					fn(k, raw)
				}
				return nil
			}
			return Verify(t, each, func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) })
		})
		return list
	}
	if list := faults(); len(list) != 0 {
		t.Errorf("faults of sound news: %q", list)
	}
	d.update(func(t *room.Tx) error { return Remove(t, "acme2") })
	d.update(func(t *room.Tx) error { return t.DeleteOf(bucket.NewsOf, "acme") })
	if list := faults(); !slices.Equal(list, []string{"1 more pieces of news are listed than there are"}) {
		t.Errorf("faults: %q", list)
	}
}
