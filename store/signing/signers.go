package signing

import (
	"bytes"
	"sync"

	"relay/store/bucket"
	"relay/store/room"
)

// signers are the accounts that have a domain. They are kept in memory, because each message
// that comes in asks for its account.
type signers struct {
	mu   sync.RWMutex
	have map[string]struct{}
}

func (s *signers) has(account string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.have[account]
	return ok
}

func (s *signers) set(account string, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if has {
		s.have[account] = struct{}{}
	} else {
		delete(s.have, account)
	}
}

// LoadSigners reads which accounts have a domain, one look-up an account. It is called once, before
// the store is used.
func (g *Signing) LoadSigners() error {
	return g.db.View(func(t room.Tx) error {
		c := t.Cursor(bucket.Domains)
		k, _ := c.First()
		for k != nil {
			account, _, _ := bytes.Cut(k, []byte{0})
			g.signers.set(string(account), true)
			k, _ = c.Seek(append(bytes.Clone(account), 1)) // behind all of account NUL
		}
		return nil
	})
}

// MaySign reports whether an account has a domain, so that its mail may get a signature.
func (g *Signing) MaySign(account string) bool { return g.signers.has(account) }

// follow keeps the account among the signers, or not, as it is once the transaction is on disk.
func (g *Signing) follow(t *room.Tx, account string) {
	prefix := room.Pair(account, "")
	k, _ := t.Cursor(bucket.Domains).Seek(prefix)
	has := k != nil && room.HasPrefix(k, prefix)
	t.OnCommit(func() { g.signers.set(account, has) })
}
