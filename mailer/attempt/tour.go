package attempt

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"relay/mailer/client"
	"relay/mailer/hosts"
	"relay/mailer/link"
	"relay/mailer/route"
	"relay/mailer/source"
	"relay/store/mailsyntax"
)

// tour is the way of an attempt through the hosts of its site: all of them get
// their chance before a recipient is put off (RFC 5321 §5.1).
type tour struct {
	path    *route.Path
	from    *source.Source
	began   time.Time
	planned bool
	doubted []netip.Addr // may have taken the message at an earlier attempt, see doubts
	well    []hosts.Hop  // not tried yet
	ill     []hosts.Hop  // nor these: the last resort

	here   hosts.Hop // the host at hand
	moving bool      // it has had its chance
	again  bool      // it is to be dialled once more
	slow   bool      // to be told one command at a time
	odd    reply     // that it is told so for; zero: it broke off
	turns  int       // how often it was dialled once more
	stops  bool      // a 421 is the end: the site punishes those that go on to its next host

	worst    *link.Failure // of the hosts that took no connection
	unsafe   bool          // one of them for want of the TLS that the message asks for
	suspects []netip.Addr  // broke off without a word; another host may prove that it was their fault
	met      []string      // hosts left behind, and why, for the trace
}

const (
	MaxTour  = 15 * time.Minute // after it an attempt goes to no further host
	maxTurns = 3                // connections made anew to one host in one attempt
	maxMet   = 400              // octets of a trace about them
)

var errNoMoreHosts = errors.New("no more hosts to try")

// next is the host to dial, false when there is none. Hosts in trouble are
// dialled when no other host has spoken of the message.
func (t *tour) next(m *hosts.Memory, spoke bool) (hosts.Hop, bool) {
	t.plan(m)
	if t.again {
		t.again = false
		return t.here, true
	}
	for len(t.well) > 0 && !t.late() {
		to := t.well[0]
		t.well = t.well[1:]
		if m.May(to.Addr.Addr()) {
			return t.at(to), true
		}
		t.ill = append(t.ill, to) // another connection is finding out
	}
	if len(t.ill) > 0 && !spoke && !t.late() {
		to := t.ill[0]
		t.ill = t.ill[1:]
		return t.at(to), true
	}
	return hosts.Hop{}, false
}

// plan is made when there is a host to dial: most messages go over a connection
// that is open.
func (t *tour) plan(m *hosts.Memory) {
	if t.planned {
		return
	}
	t.planned = true
	t.well, t.ill = m.Order(t.path, t.from)
	hosts.DoubtedLast(t.well, t.doubted)
	hosts.DoubtedLast(t.ill, t.doubted)
	is := func(h hosts.Hop) bool { return h.Addr == t.here.Addr }
	t.well, t.ill = slices.DeleteFunc(t.well, is), slices.DeleteFunc(t.ill, is)
}

func (t *tour) late() bool { return time.Since(t.began) >= MaxTour }

// at is the host at hand from now on.
func (t *tour) at(to hosts.Hop) hosts.Hop {
	t.here, t.slow, t.odd, t.turns = to, false, reply{}, 0
	return to
}

// visit is for a connection that is open already: if it is not one of this tour,
// it is where that begins.
func (t *tour) visit(open hosts.Hop) {
	if t.here != open {
		t.at(open)
	}
}

// shuns reports whether a connection that is open already is not taken, because it is
// to a host that comes after others.
func (t *tour) shuns(open hosts.Hop) bool {
	return t.here != open && slices.Contains(t.doubted, open.Addr.Addr())
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
func (t *tour) fail(f *link.Failure) {
	if t.stops && f.Err.Reply.Code == 421 {
		t.well, t.ill, t.again = nil, nil, false
	}
	t.unsafe = t.unsafe || f.Unsafe
	if t.worst == nil || t.worst.NoTLS() {
		t.worst = f
	}
	t.meet(link.HopName(f.Host, f.Addr), f.Err.Error())
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
	return mailsyntax.Shorten(b.String(), maxMet)
}

// failure is why there is no host left to ask.
func (t *tour) failure(ctx context.Context) *link.Failure {
	f := t.worst
	if f == nil {
		f = &link.Failure{Err: &client.ConnError{Stage: client.StageConnect, Err: errNoMoreHosts}, Local: true}
		if err := context.Cause(ctx); err != nil {
			f.Err.Err = err
		}
	}
	f.Unsafe = t.unsafe
	f.Rest = len(t.well)+len(t.ill) > 0 && ctx.Err() == nil
	return f
}
