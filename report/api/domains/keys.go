package domains

import (
	"context"
	"slices"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/jobs"
	"relay/store/signing"
)

// SigningKey is a key for the mail of all domains. The two keys of a pair take turns.
type SigningKey struct {
	Selector  string     `json:"selector"`
	State     string     `json:"state" enum:"waiting,ready,signs,retiring" doc:"waiting: the DNS does not show it. ready: for its turn. signs: it does. retiring: its last signatures may still be on their way; a new key takes its place after a week."`
	Made      time.Time  `json:"made"`
	From      *time.Time `json:"from" doc:"Signs since; null: not yet."`
	Until     *time.Time `json:"until" doc:"Signed until; null: it does, or will."`
	Published *time.Time `json:"published" doc:"Since when the DNS shows it; null: it does not."`
	Record    Record     `json:"record" doc:"What the operator publishes. The name begins with a wildcard."`
}

// AllKeys is the request for all keys; it has no members.
type AllKeys struct{}

// Keys is the act that shows the keys. It makes them if there are none.
var Keys = act.New(act.Spec{Name: "domain keys", Route: "POST /v1/signing-keys", Summary: "The keys that sign, with the records that the operator publishes; made where there are none",
	May: act.Operator}, keys)

func keys(_ context.Context, s *act.Service, _ *AllKeys) (*[]SigningKey, error) {
	r := s.Rules()
	wanted := selectors(r)
	if err := s.Store.Signing.MakeKeys(wanted...); err != nil {
		return nil, err
	}
	all, err := s.Store.Signing.Keys()
	if err != nil {
		return nil, err
	}
	list := []SigningKey{}
	for i := range all {
		if k := &all[i]; slices.Contains(wanted, k.Selector) {
			list = append(list, SigningKey{k.Selector, keyState(k), k.Made, field.OrNull(k.From), field.OrNull(k.Until), field.OrNull(k.Published), jobs.KeyLine(r.Zone, k)})
		}
	}
	return &list, nil
}

func keyState(k *signing.Key) string {
	switch {
	case k.Signs():
		return "signs"
	case !k.Until.IsZero():
		return "retiring"
	case k.Published.IsZero():
		return "waiting"
	}
	return "ready"
}
