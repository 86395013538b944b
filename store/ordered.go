package store

import (
	"relay/store/abuse"
	"relay/store/books"
	"relay/store/chores"
	"relay/store/ledger"
	"relay/store/mailreply"
	"relay/store/orders"
	"relay/store/room"
	"relay/store/signs"
	"relay/store/spool"
	"relay/store/spooled"
)

// ordered does what an order means for the account's mail, and stores what its customer is to be told,
// in the order's transaction.
func (s *Store) ordered(in *room.Tx, d *orders.Result) error {
	t := s.in(*in)
	if d.Was.FirstCap != d.Is.FirstCap {
		if err := chores.Add(&t.Tx, chores.Chore{Kind: chores.Replan, Account: d.Is.Name, Due: t.Wall}); err != nil {
			return err
		}
	}
	if err := t.switchQueue(d.Was, d.Is); err != nil || d.Silent {
		return err
	}
	return t.addNews(d)
}

// switchQueue stops an account's mail, or lets it go on, when its state has changed.
// A suspended account that is closed stays stopped.
func (t *tx) switchQueue(was, is *books.Account) error {
	switch {
	case was.State == is.State:
		return nil
	case is.State == ledger.Suspended:
		return t.StopQueue(is.Name)
	case was.State == ledger.Suspended && is.State != ledger.Closed:
		if stopped, err := t.StartQueue(is.Name); err != nil || !stopped {
			return err
		}
		return t.s.Abuse.Forgive(&t.Tx, is)
	}
	return nil
}

// speaks notes what an outcome says against the account. A recipient that is refused again for the
// same blocklist is not counted twice.
func (s *Store) speaks(t *spool.Tx, m *spooled.Message, r *spool.Result, o *spool.Outcome, was mailreply.Verdict) error {
	if o.Sign == "" || m.OfRelay() || o.Sign == signs.Listed && was.Category == o.Verdict.Category {
		return nil
	}
	return s.Abuse.Observe(&t.Tx, abuse.Observation{Account: m.Account, Sign: o.Sign, N: 1, Accepted: m.Accepted, Provider: r.Provider})
}
