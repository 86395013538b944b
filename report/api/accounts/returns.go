package accounts

import (
	"slices"

	"relay/report/api/act"
	"relay/store/signs"
)

// Return is how much of a kind came back of an account's mail in a window.
type Return struct {
	Sign    string  `json:"sign" enum:"complaint,bounce,listed" doc:"complaint: recipients reported it as spam. bounce: recipients do not exist. listed: refused because a blocklist names the account's domain or links."`
	Window  string  `json:"window" enum:"day,week" doc:"day: mail that was accepted today. week: in seven days."`
	Count   int64   `json:"count"`
	Of      int64   `json:"of" doc:"E-mails: delivered ones, or those that were tried."`
	Percent float64 `json:"percent"`
	Warn    *Limit  `json:"warn" doc:"Limit at which both sides are told, and the account is slowed down for all but complaints; null: none."`
	Suspend *Limit  `json:"suspend" doc:"Limit at which it is suspended; null: none."`
	State   string  `json:"state" enum:"fine,near,warned,over" doc:"near: half of a limit is reached. warned: that of a warning. over: that of a suspension."`
}

// Limit is a number and a share that must both be reached.
type Limit struct {
	_ struct{} `nullable:"true"`

	Count   int64   `json:"count"`
	Percent float64 `json:"percent"`
}

func limitOf(l signs.Limit) *Limit {
	if l.Count == 0 {
		return nil
	}
	return &Limit{Count: l.Count, Percent: percent(l.Share)}
}

func percent(millionths int64) float64 { return float64(millionths) / 10_000 }

// returnsOf an account; none where nothing came back.
func returnsOf(s *act.Service, name string) ([]Return, error) {
	r, m, err := s.Store.Abuse.Signs(name)
	list := []Return{}
	if err != nil {
		return list, err
	}
	rules := s.Rules().Abuse
	for _, f := range r.Sums(&rules, s.Store.Today(), &m) {
		list = append(list, Return{Sign: string(f.Sign), Window: string(f.Window), Count: f.N, Of: f.Of, Percent: percent(f.Part()),
			Warn: limitOf(f.Warn), Suspend: limitOf(f.Suspend), State: string(f.State())})
	}
	return list, nil
}

// returned reports an account of whose mail so much came back, or more.
func returned(s *act.Service, name, least string) (bool, error) {
	list, err := returnsOf(s, name)
	return slices.ContainsFunc(list, func(r Return) bool {
		return signs.State(r.State).Reaches(signs.State(least))
	}), err
}
