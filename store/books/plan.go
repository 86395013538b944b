package books

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/room"
)

// AddPlan stores a new plan.
func (s *Books) AddPlan(p quota.Plan) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return s.update(0, func(t *room.Tx) error { return cmp.Or(s.setPrices(t, false, p), room.Add(t, bucket.Plans, p.Name, p)) })
}

// Plan by name.
func (s *Books) Plan(name string) (p quota.Plan, err error) {
	err = s.view(func(t *room.Tx) error { p, err = room.Load[quota.Plan](t, bucket.Plans, name); return err })
	return p, err
}

// UpdatePlan changes a plan in one transaction. Accounts keep the terms they
// have. fn may run more than once, and must not call the store.
func (s *Books) UpdatePlan(name string, fn func(*quota.Plan) error) (p quota.Plan, err error) {
	err = s.update(0, func(t *room.Tx) error {
		if p, err = room.Load[quota.Plan](t, bucket.Plans, name); err != nil {
			return err
		}
		was := p
		if err := fn(&p); err != nil {
			return err
		}
		if p.Name != name {
			return errors.New("a plan keeps its name")
		}
		if err := p.Validate(); err != nil {
			return err
		}
		if was.Price != p.Price || !slices.Equal(was.Blocks, p.Blocks) {
			if err := s.setPrices(t, false, p); err != nil {
				return err
			}
		}
		return t.Write(bucket.Plans, []byte(name), p)
	})
	return p, err
}

// PutPlans stores plans, all of them or none. A plan replaces the one of its name, which
// is in was at the same place; nil: it is new. A dry run stores none.
func (s *Books) PutPlans(list []quota.Plan, dryRun bool) (was []*quota.Plan, err error) {
	for _, p := range list {
		if err := p.Validate(); err != nil {
			return nil, fmt.Errorf("plan %q: %w", p.Name, err)
		}
	}
	run := func(t *room.Tx) error {
		if err := s.setPrices(t, dryRun, list...); err != nil {
			return err
		}
		was = make([]*quota.Plan, len(list))
		for i, p := range list {
			var old quota.Plan
			ok, err := t.Read(bucket.Plans, []byte(p.Name), &old)
			if err != nil {
				return err
			}
			if ok {
				was[i] = &old
			}
			if dryRun {
				continue
			}
			if err := t.Write(bucket.Plans, []byte(p.Name), p); err != nil {
				return err
			}
		}
		return nil
	}
	err = s.carry(dryRun, run)
	return was, err
}

// EachPlan calls fn for each plan whose name comes after a name, in the order of names, outside of any
// transaction.
func (s *Books) EachPlan(after string, fn func(*quota.Plan) error) error {
	return room.Walk(s.db, bucket.Plans, nil, room.Beyond(after), func(_ []byte, p *quota.Plan) error { return fn(p) })
}

// Plans by name.
func (s *Books) Plans() (list []quota.Plan, err error) {
	err = s.view(func(t *room.Tx) error { list, err = room.All[quota.Plan](t, bucket.Plans, nil); return err })
	return list, err
}
