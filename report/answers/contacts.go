package answers

import (
	"context"
	"sync"
	"time"

	"relay/store"
	"relay/store/books"
	"relay/store/ledger"
)

// fresh is how long it is known who is a contact. One that is not found is looked for again
// after a shorter time, so that a new one need not wait.
const (
	fresh  = 10 * time.Minute
	recent = time.Minute
)

// contacts are the accounts by the address of their contact. All accounts are read for it,
// at most once in a while, and only when the proven author of a mail asks.
type contacts struct {
	store *store.Store
	turn  chan struct{} // held while accounts are read

	mu    sync.Mutex
	read  time.Time
	names map[string][]string
}

func newContacts(st *store.Store) *contacts {
	return &contacts{store: st, turn: make(chan struct{}, 1)}
}

// of returns the accounts whose contact an address is, by name.
func (c *contacts) of(ctx context.Context, address string) ([]string, error) {
	if names, known := c.known(address); known {
		return names, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if names, known := c.known(address); known { // it was read meanwhile
		return names, nil
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	names, _ := c.known(address)
	return names, nil
}

// known reports whether what was read is recent enough.
func (c *contacts) known(address string) (names []string, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names = c.names[key(address)]
	age := c.store.Now().Sub(c.read)
	return names, c.names != nil && age >= 0 && age <= fresh && (names != nil || age <= recent)
}

func (c *contacts) load() error {
	names, now := map[string][]string{}, c.store.Now()
	open := func(a *books.Account) bool { return a.Contact != "" && a.State != ledger.Closed }
	err := c.store.Books.EachAccount(books.Wanted{Match: open}, func(a *books.Account) error {
		k := key(a.Contact)
		names[k] = append(names[k], a.Name)
		return nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names, c.read = names, now
	return nil
}
