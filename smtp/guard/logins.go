package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"relay/store/people"
	"relay/store/secret"
)

const (
	loginsFor  = 5 * time.Minute // a right login is remembered
	wrongFor   = time.Hour       // a wrong one
	loginsKept = 4096            // of each
)

// logins checks passwords. The slow part, argon2id, is done once for the same login: it does
// not slow down a mass mailer that opens a connection a message, and a device with an old
// password does not slow down others. The results are kept under keyed hashes of credential
// and password together, so a credential that was changed is checked anew.
//
// A wrong password costs the same time for a chosen one, a generated one and a user name that
// does not exist, so that the time does not tell which it was.
type logins struct {
	key   [32]byte
	slow  func(people.Credential, string) bool
	turns *turns

	mu    sync.Mutex
	right answers
	wrong answers
}

func newLogins() *logins {
	l := &logins{slow: secret.VerifySlowly, turns: newTurns(),
		right: make(answers), wrong: make(answers)}
	_, _ = rand.Read(l.key[:]) // never fails
	return l
}

// mark is a keyed hash that stands for the strings in memory.
func (l *logins) mark(parts ...string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, l.key[:])
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	h.Sum(sum[:0])
	return sum
}

// asker is a client that waits for an answer.
type asker struct {
	site  netip.Prefix    // zero: nothing is counted for it
	known bool            // the login came from there before
	stop  <-chan struct{} // closed when nobody waits any more
}

// verify reports whether secret is the credential's; c.Kind is "" for a user name that does
// not exist. ok is false when there is no time to check.
func (l *logins) verify(c people.Credential, secret string, from asker) (right, ok bool) {
	m := l.mark(c.Login, c.Hash, secret)
	if right, ok = l.remembered(m); ok {
		return right, true
	}
	if !l.turns.enter(from) {
		return false, false
	}
	defer l.turns.leave(from)
	if right, ok = l.remembered(m); ok { // another connection has asked the same meanwhile
		return right, true
	}
	right = l.slow(c, secret)
	l.remember(m, right)
	return right, true
}

func (l *logins) remembered(m [sha256.Size]byte) (right, ok bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.right.has(m, now) {
		return true, true
	}
	return false, l.wrong.has(m, now)
}

func (l *logins) remember(m [sha256.Size]byte, right bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if right {
		l.right.add(m, now, loginsFor)
	} else {
		l.wrong.add(m, now, wrongFor)
	}
}

// answers are marks of logins and until when they need not be checked again.
type answers map[[sha256.Size]byte]time.Time

func (a answers) has(m [sha256.Size]byte, now time.Time) bool {
	until, ok := a[m]
	return ok && now.Before(until)
}

func (a answers) add(m [sha256.Size]byte, now time.Time, keep time.Duration) {
	if len(a) >= loginsKept {
		for k, until := range a {
			if !now.Before(until) {
				delete(a, k)
			}
		}
	}
	for k := range a {
		if len(a) < loginsKept {
			break
		}
		delete(a, k)
	}
	a[m] = now.Add(keep)
}
