package store

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
func (s *Store) AddPlan(p quota.Plan) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return s.update(0, func(t *tx) error { return cmp.Or(t.setPrices(false, p), room.Add(&t.Tx, bucket.Plans, p.Name, p)) })
}

// Plan by name.
func (s *Store) Plan(name string) (p quota.Plan, err error) {
	err = s.view(func(t *tx) error { p, err = room.Load[quota.Plan](&t.Tx, bucket.Plans, name); return err })
	return p, err
}

// UpdatePlan changes a plan in one transaction. Accounts keep the terms they
// have. fn may run more than once, and must not call the store.
func (s *Store) UpdatePlan(name string, fn func(*quota.Plan) error) (p quota.Plan, err error) {
	err = s.update(0, func(t *tx) error {
		if p, err = room.Load[quota.Plan](&t.Tx, bucket.Plans, name); err != nil {
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
			if err := t.setPrices(false, p); err != nil {
				return err
			}
		}
		return t.Write(bucket.Plans, []byte(name), p)
	})
	return p, err
}

// PutPlans stores plans, new ones and others in the place of those of their
// names, all of them or none. was are those they take the place of, nil for a new
// one; with dryRun that is all.
func (s *Store) PutPlans(list []quota.Plan, dryRun bool) (was []*quota.Plan, err error) {
	for _, p := range list {
		if err := p.Validate(); err != nil {
			return nil, fmt.Errorf("plan %q: %w", p.Name, err)
		}
	}
	run := func(t *tx) error {
		if err := t.setPrices(dryRun, list...); err != nil {
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

// EachPlan calls fn for each plan whose name is beyond after, by name, outside of any
// transaction.
func (s *Store) EachPlan(after string, fn func(*quota.Plan) error) error {
	return room.Walk(s.db, bucket.Plans, nil, room.Beyond(after), func(_ []byte, p *quota.Plan) error { return fn(p) })
}

// Plans by name.
func (s *Store) Plans() (list []quota.Plan, err error) {
	err = s.view(func(t *tx) error { list, err = room.All[quota.Plan](&t.Tx, bucket.Plans, nil); return err })
	return list, err
}
