package store

import "time"

// Kept is what a suspended account has in the queue.
type Kept struct {
	Messages int64
	Emails   int64
	Octets   int64     // of the messages, as they are stored
	Since    time.Time // when it was suspended; zero: it is not
}

// Kept is what waits for a suspended account; zero for others. It adds up counters, so it costs the same
// however much waits.
func (s *Store) Kept(account string) (Kept, error) {
	k := Kept{Since: s.Spool.StoppedSince(account)}
	if k.Since.IsZero() {
		return k, nil
	}
	list, err := s.Standings.Usages(account)
	for i := range list {
		u := &list[i]
		k.Messages, k.Emails, k.Octets = k.Messages+u.Waiting, k.Emails+u.Queued, k.Octets+u.Stored
	}
	return k, err
}
