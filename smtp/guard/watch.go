package guard

import (
	"cmp"
	"crypto/sha256"
	"sync"
	"time"

	"relay/smtp/wire"
)

// watch counts failed logins of addresses, or of user names, and bans those that have too
// many. Its memory is bounded.
type watch[K comparable] struct {
	mu    sync.Mutex
	of    map[K]*offender
	marks int // most different wrong logins of one K that are told apart; 0: maxMarks
}

// offender has failed logins. The same wrong login again counts once: a device
// with an old password must not lock its whole office out.
type offender struct {
	last   time.Time             // failure
	until  time.Time             // of the last ban; zero: none
	bans   int                   // that followed one another
	failed map[[8]byte]time.Time // marks, and when they came last
}

func (o *offender) banned(now time.Time) bool { return now.Before(o.until) }

// renew forgets failures after a ban, or when they are as old as a first ban is long, and
// earlier bans after maxBan.
func (o *offender) renew(ban time.Duration, now time.Time) {
	if o.banned(now) {
		return
	}
	for mark, at := range o.failed {
		if now.Sub(at) > ban || at.Before(o.until) {
			delete(o.failed, mark)
		}
	}
	if now.Sub(o.until) > maxBan {
		o.bans = 0
	}
}

// forgettable reports whether renew would leave nothing.
func (o *offender) forgettable(ban time.Duration, now time.Time) bool {
	return now.Sub(o.last) > ban && (o.bans == 0 || now.Sub(o.until) > maxBan)
}

// failed counts a wrong login. The limit-th different one begins a ban, which lasts twice as
// long as the ban before it where that ended less than maxBan ago.
func (w *watch[K]) failed(k K, mark [sha256.Size]byte, limit int, ban time.Duration, now time.Time) (f Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.of[k]
	if o == nil {
		w.makeRoom(ban, now)
		o = &offender{failed: make(map[[8]byte]time.Time)}
		w.of[k] = o
	}
	o.renew(ban, now)
	o.last = now
	m, most := [8]byte(mark[:8]), cmp.Or(w.marks, maxMarks)
	if _, f.Again = o.failed[m]; f.Again || len(o.failed) < most {
		o.failed[m] = now
	}
	if !o.banned(now) && len(o.failed) >= min(limit, most) && limit < wire.NoLimit {
		o.until = now.Add(grown(ban, o.bans))
		o.bans++
		f.Begins = true
	}
	if f.Failed = len(o.failed); o.banned(now) {
		f.Until = o.until
	}
	return f
}

// grown is the length of the ban that follows n others.
func grown(ban time.Duration, n int) time.Duration {
	for ; n > 0 && ban < maxBan; n-- {
		ban = min(2*ban, maxBan)
	}
	return ban
}

// count is how many wrong logins of k are remembered.
func (w *watch[K]) count(k K) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.of[k]; o != nil {
		return len(o.failed)
	}
	return 0
}

// since is how many wrong logins of k came after that.
func (w *watch[K]) since(k K, after time.Time) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.of[k]; o != nil {
		for _, at := range o.failed {
			if at.After(after) {
				n++
			}
		}
	}
	return n
}

// until is the end of the ban in force; zero: there is none.
func (w *watch[K]) until(k K, now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.of[k]; o != nil && o.banned(now) {
		return o.until
	}
	return time.Time{}
}

// lift forgets everything about k and reports whether it was banned.
func (w *watch[K]) lift(k K, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.of[k]
	delete(w.of, k)
	return o != nil && o.banned(now)
}

// each calls fn for all that are banned. fn must not keep the offender.
func (w *watch[K]) each(now time.Time, fn func(K, *offender)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, o := range w.of {
		if o.banned(now) {
			fn(k, o)
		}
	}
}

// makeRoom frees an eighth of a full table, so that it is called rarely. It forgets offenders
// that are over, then those that are not banned, at last any.
func (w *watch[K]) makeRoom(ban time.Duration, now time.Time) {
	if len(w.of) < maxOffenders {
		return
	}
	const enough = maxOffenders - maxOffenders/8
	for _, may := range []func(*offender) bool{
		func(o *offender) bool { return o.forgettable(ban, now) },
		func(o *offender) bool { return !o.banned(now) },
		func(*offender) bool { return true },
	} {
		for k, o := range w.of {
			if len(w.of) <= enough {
				return
			}
			if may(o) {
				delete(w.of, k)
			}
		}
	}
}
