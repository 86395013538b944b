package spool

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/spooled"
)

func (f *fixture) operate(o Operation, ids ...spooled.ID) Effect {
	f.Helper()
	is, err := f.Operate(o, ids)
	f.check(err)
	f.audit()
	return is
}

// What names recipients acts on those, and counts them. The others keep their mail, whatever is done.
func TestSpool_Operate(t *testing.T) {
	for _, of := range []spooled.Filter{{Domain: "b.test"}, {Recipient: "y@b.test"}, {Recipient: "@B.test"}} {
		f := open(t)
		m := f.queue("acme", "x@a.test", "y@b.test", "z@a.test")
		for _, step := range []struct {
			op   Op
			want string
			same bool
		}{
			{OpHold, "queued, queued held, queued", false},
			{OpHold, "queued, queued held, queued", true},
			{OpRetry, "queued, queued held, queued", true},
			{OpRelease, "queued, queued, queued", false},
			{OpRelease, "queued, queued, queued", true},
			{OpRetry, "queued, queued, queued", false},
			{OpDrop, "queued, dropped, queued", false},
			{OpDrop, "queued, dropped, queued", true},
		} {
			f.TakeReady(9)
			is := f.operate(Operation{Op: step.op, Of: &of}, m.ID)
			want := Effect{Done: []spooled.ID{m.ID}, Recipients: 1, Domains: map[string]bool{"b.test": true}}
			if step.same {
				want = Effect{Same: []spooled.ID{m.ID}}
			}
			if fmt.Sprint(is) != fmt.Sprint(want) {
				t.Errorf("%+v, %s: %+v, want %+v", of, step.op, is, want)
			}
			var got []string
			for _, r := range f.is(m.ID).Recipients {
				got = append(got, string(r.State)+map[bool]string{true: " held"}[r.Held])
			}
			if text := strings.Join(got, ", "); text != step.want {
				t.Errorf("%+v, after %s: %s, want %s", of, step.op, text, step.want)
			}
			if ready := len(f.TakeReady(9)) > 0; ready != (!step.same && (step.op == OpRetry || step.op == OpRelease)) {
				t.Errorf("%s: announced %t", step.op, ready)
			}
		}
		if p := f.progress("acme"); p.Failed != 1 {
			t.Errorf("%+v", p)
		}
		if got := f.events(m.ID); !slices.Equal(got, []string{"accepted", "changed hold", "changed release", "changed retry", "changed drop"}) {
			t.Errorf("trace %q", got)
		}
		if !strings.Contains(f.lines.String(), "recipients dropped") || strings.Contains(f.lines.String(), "message dropped") {
			t.Errorf("log %s", f.lines.String())
		}
	}
}

// Of several recipients at one domain those that are held stay, and those that are named are tried. The
// others wait for their time.
func TestSpool_Operate_withinADomain(t *testing.T) {
	f := open(t)
	m := f.queue("acme", "x@a.test", "y@a.test", "z@a.test")
	only := func(op Op, who string) {
		f.operate(Operation{Op: op, Of: &spooled.Filter{Recipient: who}}, m.ID)
	}
	claimed := func(want ...int) {
		t.Helper()
		c := f.claimOne("acme", "a.test")
		if !slices.Equal(c.Rcpts, want) {
			t.Errorf("claimed %v, want %v", c.Rcpts, want)
		}
		f.settle(spooled.Deferred, c)
	}
	only(OpHold, "x@a.test")
	claimed(1, 2)
	f.db.Pass(time.Second)
	only(OpRetry, "z@a.test")
	claimed(2)
	only(OpRelease, "x@a.test")
	claimed(0)
	f.db.Pass(5 * time.Minute)
	claimed(0, 1)
}

// Many messages are changed in several transactions. Those that are not in the queue are named, and with
// an error is said what was done before.
func TestSpool_Operate_many(t *testing.T) {
	f := open(t)
	var ids []spooled.ID
	for range 2*operateStep + 10 {
		ids = append(ids, f.queue("acme", "x@a.test").ID)
	}
	ids = slices.Insert(ids, 3, f.ids.Next(f.Now()))
	done, missing, err := f.Change(OpHold, ids)
	if err != nil || len(done) != len(ids)-1 || !slices.Equal(missing, ids[3:4]) {
		t.Errorf("%d are held, %v are missing, %v", len(done), missing, err)
	}
	f.commits = 1
	is, err := f.Operate(Operation{Op: OpDrop}, ids)
	if err == nil || !strings.HasPrefix(err.Error(), "drop: ") || len(is.Done) != operateStep-1 || is.Recipients != operateStep-1 {
		t.Errorf("%d are dropped, %v", len(is.Done), err)
	}
	f.commits = -1
	if n := strings.Count(f.lines.String(), "message dropped"); n != operateStep-1 || len(f.all()) != len(ids)-operateStep {
		t.Errorf("%d are logged, %d are left", n, len(f.all()))
	}
	if is, err := f.Operate(Operation{Op: "burn"}, ids); err == nil || is.Done != nil {
		t.Errorf("%+v, %v", is, err)
	}
}

// What is dropped is told to the sender where it is certainly the customer's own and wants to hear of it,
// and to nobody where it is not, or where that is not wanted.
func TestSpool_Operate_tells(t *testing.T) {
	for name, c := range map[string]struct {
		own    string
		notify spooled.Notify
		tell   bool
		want   bool
	}{
		"the customer's own":             {"boss@src.test", 0, true, true},
		"asks for failures":              {"boss@src.test", spooled.NotifyFailure | spooled.NotifyDelay, true, true},
		"silently":                       {"boss@src.test", 0, false, false},
		"wants to hear nothing":          {"boss@src.test", spooled.NotifyNever, true, false},
		"wants to hear of success":       {"boss@src.test", spooled.NotifySuccess, true, false},
		"anybody":                        {"ann@src.test", 0, true, false},
		"of an account that is gone now": {"", 0, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			m := f.message("acme", "x@a.test", "y@b.test")
			m.Recipients[1].Notify = c.notify
			f.check(f.accept(m))
			was := f.accounts["acme"]
			if f.accounts["acme"] = nil; c.own != "" {
				f.accounts["acme"] = &customer{own: c.own, first: was.first}
			}
			_, err := f.Operate(Operation{Op: OpDrop, Of: &spooled.Filter{Domain: "b.test"}, Tell: c.tell}, []spooled.ID{m.ID})
			f.check(err)
			f.accounts["acme"] = was
			f.db.Pass(time.Minute)
			f.sendDSNs()
			want := []string{"about 100 octets, own true: y@b.test failed"}
			if !c.want {
				want = nil
			}
			if got := f.dsns(); !slices.Equal(got, want) {
				t.Errorf("DSNs %q, want %q", got, want)
			}
		})
	}
}
