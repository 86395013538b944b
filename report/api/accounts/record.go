package accounts

import (
	"relay/report/api/act"
	"relay/report/words"
	"relay/store/record"
	"relay/store/room"
)

// Record is what an account has earned by its mail.
type Record struct {
	_ struct{} `nullable:"true"`

	Proven    bool           `json:"proven" doc:"It has delivered enough, and goes by the configured profile."`
	Delivered int64          `json:"delivered" doc:"Recipients on clean days; counted until it is proven."`
	Needed    int64          `json:"delivered_needed" doc:"Of them, to be proven."`
	Days      int            `json:"clean_days"`
	DaysOf    int            `json:"clean_days_needed"`
	Slow      int            `json:"slow_days" doc:"Clean days until it goes at its own pace again; 0: it does."`
	First     *FirstSendings `json:"first_sendings" doc:"The daily limit of recipients that it never wrote to; null: there is none."`
}

// FirstSendings is the daily limit of recipients that an account never wrote to.
type FirstSendings struct {
	_ struct{} `nullable:"true"`

	Cap     int    `json:"cap" doc:"Recipients today."`
	Used    int    `json:"used" doc:"Of them."`
	Waiting int64  `json:"waiting" doc:"Recipients that wait for a later day."`
	LastDay string `json:"last_day" doc:"On which the last of them goes out if all days are clean; empty: none waits."`
}

func recordOf(s *act.Service, name string) (*Record, error) {
	if s.Rules().Smarthost {
		return nil, nil
	}
	r, capped, err := s.Store.Strangers.Record(name)
	v := &Record{Proven: r.Proven, Delivered: r.Delivered, Needed: record.ProvenRecipients, Days: r.Clean, DaysOf: record.ProvenDays, Slow: r.Slow}
	if capped || r.Waiting > 0 {
		v.First = &FirstSendings{Cap: r.First.Cap, Used: r.First.Used, Waiting: r.Waiting}
		if r.Waiting > 0 {
			v.First.LastDay = words.Day(room.DayStart(max(r.First.Last, r.Today.Number), s.Store.Zone()), s.Store.Zone())
		}
	}
	return v, err
}
