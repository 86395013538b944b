package smtp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"relay/store"
)

const (
	loginsFor  = 5 * time.Minute
	loginsKept = 4096
)

// logins remembers which passwords were verified, so that a mass mailer with a
// connection a message is not slowed down by argon2id. It holds keyed hashes of
// credential and password together: one that was changed is not found.
type logins struct {
	key [32]byte

	mu   sync.Mutex
	seen map[[sha256.Size]byte]time.Time // until when
}

func newLogins() *logins {
	l := &logins{seen: make(map[[sha256.Size]byte]time.Time)}
	_, _ = rand.Read(l.key[:]) // never fails
	return l
}

// mark is what stands for strings in memory.
func (l *logins) mark(parts ...string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, l.key[:])
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	h.Sum(sum[:0])
	return sum
}

// verify is Verify with a memory for what is slow.
func (l *logins) verify(c store.Credential, secret string) bool {
	if c.Kind != store.Password {
		return Verify(c, secret)
	}
	m := l.mark(c.Login, c.Hash, secret)
	if l.has(m) {
		return true
	}
	if !Verify(c, secret) {
		return false
	}
	l.add(m)
	return true
}

func (l *logins) has(m [sha256.Size]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.seen[m]
	return ok && time.Now().Before(until)
}

func (l *logins) add(m [sha256.Size]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.seen) >= loginsKept {
		for k, until := range l.seen {
			if !now.Before(until) {
				delete(l.seen, k)
			}
		}
	}
	for k := range l.seen {
		if len(l.seen) < loginsKept {
			break
		}
		delete(l.seen, k)
	}
	l.seen[m] = now.Add(loginsFor)
}
