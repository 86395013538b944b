package store

import (
	"errors"

	"relay/quota"
)

// AddPlan stores a new plan.
func (s *Store) AddPlan(p quota.Plan) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return s.update(0, func(t *tx) error { return add(t, plans, p.Name, p) })
}

// Plan by name.
func (s *Store) Plan(name string) (p quota.Plan, err error) {
	err = s.view(func(t *tx) error { p, err = load[quota.Plan](t, plans, name); return err })
	return p, err
}

// UpdatePlan changes a plan in one transaction. Accounts keep the terms they
// have. fn may run more than once.
func (s *Store) UpdatePlan(name string, fn func(*quota.Plan) error) (p quota.Plan, err error) {
	err = s.update(0, func(t *tx) error {
		if p, err = load[quota.Plan](t, plans, name); err != nil {
			return err
		}
		if err := fn(&p); err != nil {
			return err
		}
		if p.Name != name {
			return errors.New("a plan keeps its name")
		}
		if err := p.Validate(); err != nil {
			return err
		}
		return t.put(plans, []byte(name), p)
	})
	return p, err
}

// Plans by name.
func (s *Store) Plans() (list []quota.Plan, err error) {
	err = s.view(func(t *tx) error { list, err = all[quota.Plan](t, plans, nil); return err })
	return list, err
}
