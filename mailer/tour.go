package mailer

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relay/mailer/client"
	"relay/mailer/route"
	"relay/mailer/source"
)

// tour is the way of an attempt through the hosts of its site: all of them get
// their chance before a recipient is put off (RFC 5321 §5.1).
type tour struct {
	path    *route.Path
	from    *source.Source
	began   time.Time
	planned bool
	doubted []netip.Addr // may have taken the message at an earlier attempt, see doubts
	well    []hop        // not tried yet
	ill     []hop        // nor these: the last resort

	here   hop   // the host at hand
	moving bool  // it has had its chance
	again  bool  // it is to be dialled once more
	slow   bool  // to be told one command at a time
	odd    reply // that it is told so for; zero: it broke off
	turns  int   // how often it was dialled once more
	stops  bool  // a 421 is the end: the site punishes those that go on to its next host

	worst    *failure     // of the hosts that took no connection
	unsafe   bool         // one of them for want of the TLS that the message asks for
	suspects []netip.Addr // broke off without a word; another host may prove that it was their fault
	met      []string     // hosts left behind, and why, for the trace
}

const (
	maxDials = 16               // addresses in one attempt; as many hosts as route looks at
	maxTour  = 15 * time.Minute // after it an attempt goes to no further host
	maxTurns = 3                // connections made anew to one host in one attempt
	maxMet   = 400              // octets of a trace about them
)

// next is the host to dial, false when there is none. Hosts in trouble are
// dialled when no other host has spoken of the message.
func (t *tour) next(m *hostMemory, spoke bool) (hop, bool) {
	t.plan(m)
	if t.again {
		t.again = false
		return t.here, true
	}
	for len(t.well) > 0 && !t.late() {
		to := t.well[0]
		t.well = t.well[1:]
		if m.may(to.addr.Addr()) {
			return t.at(to), true
		}
		t.ill = append(t.ill, to) // another connection is finding out
	}
	if len(t.ill) > 0 && !spoke && !t.late() {
		to := t.ill[0]
		t.ill = t.ill[1:]
		return t.at(to), true
	}
	return hop{}, false
}

// plan is made when there is a host to dial: most messages go over a connection
// that is open.
func (t *tour) plan(m *hostMemory) {
	if t.planned {
		return
	}
	t.planned = true
	t.well, t.ill = m.order(t.path, t.from)
	doubtedLast(t.well, t.doubted)
	doubtedLast(t.ill, t.doubted)
	is := func(h hop) bool { return h.addr == t.here.addr }
	t.well, t.ill = slices.DeleteFunc(t.well, is), slices.DeleteFunc(t.ill, is)
}

func (t *tour) late() bool { return time.Since(t.began) >= maxTour }

// at is the host at hand from now on.
func (t *tour) at(to hop) hop {
	t.here, t.slow, t.odd, t.turns = to, false, reply{}, 0
	return to
}

// visit is for a connection that is open already: if it is not one of this tour,
// it is where that begins.
func (t *tour) visit(open hop) {
	if t.here != open {
		t.at(open)
	}
}

// shuns reports whether a connection that is open already is not taken, because it is
// to a host that comes after others.
func (t *tour) shuns(open hop) bool {
	return t.here != open && slices.Contains(t.doubted, open.addr.Addr())
}

// back has the host at hand dialled once more, and reports false when that was
// done often enough.
func (t *tour) back() bool {
	if t.turns >= maxTurns {
		return false
	}
	t.turns++
	t.again = true
	return true
}

// leave goes on to the next host.
func (t *tour) leave() { t.moving, t.again = true, false }

// fail notes that a host took no connection, or no mail on it.
func (t *tour) fail(f *failure) {
	if t.stops && f.err.Reply.Code == 421 {
		t.well, t.ill, t.again = nil, nil, false
	}
	t.unsafe = t.unsafe || f.unsafe
	if t.worst == nil || t.worst.noTLS() {
		t.worst = f
	}
	t.meet(hopName(f.host, f.addr), f.err.Error())
}

// meet notes what a host said before another one was asked.
func (t *tour) meet(name, said string) {
	if n := len(t.met); n == 0 || !strings.HasPrefix(t.met[n-1], name+" ") {
		t.met = append(t.met, name+" "+said)
	}
}

// before is what the trace says of the hosts before the last one.
func (t *tour) before(last string) string {
	var b strings.Builder
	for _, s := range t.met {
		if strings.HasPrefix(s, last+" ") {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("tried before: ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(s)
	}
	return shorten(b.String(), maxMet)
}

// shorten cuts s at a rune.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// failure is why there is no host left to ask.
func (t *tour) failure(ctx context.Context) *failure {
	f := t.worst
	if f == nil {
		f = &failure{err: &client.ConnError{Stage: client.StageConnect, Err: errNoMoreHosts}, local: true}
		if err := context.Cause(ctx); err != nil {
			f.err.Err = err
		}
	}
	f.unsafe = t.unsafe
	f.rest = len(t.well)+len(t.ill) > 0 && ctx.Err() == nil
	return f
}
