package store

import (
	"fmt"
	"time"
)

// TLSPolicy is a policy of MTA-STS (RFC 8461) as a domain published it. Bucket
// "tls-policies", key Domain, JSON.
type TLSPolicy struct {
	Domain  string    `json:"domain"` // lower case A-labels
	ID      string    `json:"id"`     // in the domain's record when it was fetched
	Mode    string    `json:"mode"`   // enforce, testing, none
	MX      []string  `json:"mx"`     // hosts, lower case; "*." stands for one label
	MaxAge  int64     `json:"max_age"`
	Fetched time.Time `json:"fetched"`
	Used    time.Time `json:"used"` // when there was mail for the domain last, to a day
}

// Valid reports whether the policy is in force.
func (p *TLSPolicy) Valid(now time.Time) bool {
	age := now.Sub(p.Fetched)
	return age < time.Duration(p.MaxAge)*time.Second && age > -24*time.Hour // the clock was wrong then
}

// PutTLSPolicy stores the policy of a domain in place of the one before.
func (s *Store) PutTLSPolicy(p *TLSPolicy) error {
	return s.update(0, func(t *tx) error { return putJSON(t.b, tlsPolicies, []byte(p.Domain), p) })
}

// UseTLSPolicy notes that there is mail for the domain of a policy.
func (s *Store) UseTLSPolicy(domain string) error {
	return s.update(0, func(t *tx) error {
		p, err := load[TLSPolicy](t, tlsPolicies, domain)
		if err != nil {
			return err
		}
		p.Used = t.wall
		return putJSON(t.b, tlsPolicies, []byte(domain), &p)
	})
}

// TLSPolicy returns the stored policy of a domain, also one that is not valid any more.
func (s *Store) TLSPolicy(domain string) (p *TLSPolicy, err error) {
	err = s.view(func(t *tx) error {
		found, err := load[TLSPolicy](t, tlsPolicies, domain)
		p = &found
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// TLSPolicies returns stored policies in the order of their domains, up to limit of those
// that come after one.
func (s *Store) TLSPolicies(after string, limit int) (list []TLSPolicy, err error) {
	err = s.view(func(t *tx) error {
		c := t.b.Cursor(tlsPolicies)
		for k, raw := c.Seek(append([]byte(after), 0)); k != nil && len(list) < limit; k, raw = c.Next() {
			var p TLSPolicy
			if err := decode("tls-policies", k, raw, &p); err != nil {
				return fmt.Errorf("policy of %q: %w", k, err)
			}
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

// DropTLSPolicy forgets the policy of a domain.
func (s *Store) DropTLSPolicy(domain string) error {
	return s.update(0, func(t *tx) error { return t.b.Delete(tlsPolicies, []byte(domain)) })
}
