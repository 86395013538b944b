package books

import (
	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// A year without a price renews automatically at its end (M19): the host's own cron must
// not fall silent after a year. Nothing that has a price does, 30 days never do, and
// neither does a term that is ended early. It is decided when the last period is
// closed, as of its end, like all that a close does.

// GoesOnAs is the plan of the term that follows a contract by itself; now is what is
// sold by the name of its plan, nil: nothing. One that is not sold any more goes on as
// it was; one that has a price by now, or ends, does not.
func GoesOnAs(c *quota.Contract, now *quota.Plan) (p quota.Plan, ok bool) {
	switch {
	case !c.Plan.GoesOn() || now != nil && now.Ends:
		return p, false
	case now == nil || now.Retired:
		return c.Plan, true
	}
	return *now, now.GoesOn()
}

func (s *Books) GoesOnAs(t *room.Tx, c *quota.Contract) (p quota.Plan, ok bool, err error) {
	if !c.Plan.GoesOn() || t.Get(bucket.Plans, []byte(c.Plan.Name)) == nil {
		p, ok = GoesOnAs(c, nil)
		return p, ok, nil
	}
	now, err := s.sold.Load(t, bucket.Plans, c.Plan.Name)
	if err != nil {
		return p, false, err
	}
	p, ok = GoesOnAs(c, now)
	return p, ok, nil
}

// GoesOn reports whether the last term of an account, which has not ended, goes on by
// itself.
func (s *Books) GoesOn(a *Account) (ok bool, err error) {
	if a.State == ledger.Closed || a.Open == "" {
		return false, nil
	}
	c := a.LastTerm()
	err = s.view(func(t *room.Tx) error { _, ok, err = s.GoesOnAs(t, &c); return err })
	return ok, err
}
