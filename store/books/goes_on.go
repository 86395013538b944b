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

// PlanAfter is the plan of the term that follows a contract automatically; ok is false
// where none does. now is the plan that is sold under the same name, nil: none. A plan that is
// not sold any more goes on as it was; one that has a price by now, or ends, does not go on.
func PlanAfter(c *quota.Contract, now *quota.Plan) (p quota.Plan, ok bool) {
	switch {
	case !c.Plan.GoesOn() || now != nil && now.Ends:
		return p, false
	case now == nil || now.Retired:
		return c.Plan, true
	}
	return *now, now.GoesOn()
}

// PlanAfter is the function PlanAfter, with the plan as it is sold now.
func (s *Books) PlanAfter(t *room.Tx, c *quota.Contract) (p quota.Plan, ok bool, err error) {
	if !c.Plan.GoesOn() || t.Get(bucket.Plans, []byte(c.Plan.Name)) == nil {
		p, ok = PlanAfter(c, nil)
		return p, ok, nil
	}
	now, err := s.sold.Load(t, bucket.Plans, c.Plan.Name)
	if err != nil {
		return p, false, err
	}
	p, ok = PlanAfter(c, now)
	return p, ok, nil
}

// GoesOn reports whether the last term of an account renews automatically. It is false
// for an account that is closed or whose terms are over.
func (s *Books) GoesOn(a *Account) (ok bool, err error) {
	if a.State == ledger.Closed || a.Open == "" {
		return false, nil
	}
	c := a.LastTerm()
	err = s.view(func(t *room.Tx) error { _, ok, err = s.PlanAfter(t, &c); return err })
	return ok, err
}
