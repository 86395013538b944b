package sites

import (
	"fmt"
	"time"

	"relay/store/bucket"
	"relay/store/room"
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
	Used    time.Time `json:"used"` // when there last was mail for the domain, to a day
}

// Valid reports whether the policy is in force.
func (p *TLSPolicy) Valid(now time.Time) bool {
	age := now.Sub(p.Fetched)
	return age < time.Duration(p.MaxAge)*time.Second && age > -24*time.Hour // fetched far in the future: the clock was wrong then
}

// PutTLSPolicy stores the policy of a domain in place of the one before.
func (s *Sites) PutTLSPolicy(p *TLSPolicy) error {
	return s.db.Update(0, func(t room.Tx) error { return t.Write(bucket.TLSPolicies, []byte(p.Domain), p) })
}

// UseTLSPolicy notes that there is mail for the domain of a policy. It fails with
// room.ErrNotFound if there is none.
func (s *Sites) UseTLSPolicy(domain string) error {
	return s.db.Update(0, func(t room.Tx) error {
		p, err := room.Load[TLSPolicy](&t, bucket.TLSPolicies, domain)
		if err != nil {
			return err
		}
		p.Used = t.Wall
		return t.Write(bucket.TLSPolicies, []byte(domain), &p)
	})
}

// TLSPolicy returns the stored policy of a domain, even if it is no longer valid. It fails
// with room.ErrNotFound if there is none.
func (s *Sites) TLSPolicy(domain string) (p *TLSPolicy, err error) {
	err = s.db.View(func(t room.Tx) error {
		found, err := room.Load[TLSPolicy](&t, bucket.TLSPolicies, domain)
		p = &found
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// TLSPolicies returns up to limit policies, in the order of their domains, beginning behind
// the domain after.
func (s *Sites) TLSPolicies(after string, limit int) (list []TLSPolicy, err error) {
	err = s.db.View(func(t room.Tx) error {
		c := t.Cursor(bucket.TLSPolicies)
		for k, raw := c.Seek(append([]byte(after), 0)); k != nil && len(list) < limit; k, raw = c.Next() {
			var p TLSPolicy
			if err := room.Decode(bucket.TLSPolicies, k, raw, &p); err != nil {
				return fmt.Errorf("policy of %q: %w", k, err)
			}
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

// DropTLSPolicy forgets the policy of a domain.
func (s *Sites) DropTLSPolicy(domain string) error {
	return s.db.Update(0, func(t room.Tx) error { return t.Delete(bucket.TLSPolicies, []byte(domain)) })
}
