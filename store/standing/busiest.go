package standing

import (
	"time"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

const usualDays = 35 * 24 * time.Hour // a monthly newsletter is usual

// BusiestDay is how many e-mails an account sent on its busiest day in five weeks, today
// included.
func (s *Standings) BusiestDay(t *room.Tx, account string) (most int64, err error) {
	days := map[string]int64{}
	st, err := s.StandingIn(t, account)
	if err != nil {
		return 0, err
	}
	days[st.Used.Day] = st.Used.Today.Messages
	s.r.Books.LedgerBackwards(t, account, func(k, raw []byte) bool {
		var e ledger.Entry
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil {
			return false
		}
		if e.Kind == ledger.KindCharge {
			days[e.Day] += e.Messages
		}
		return t.Now.Sub(e.Time) < usualDays
	})
	for _, n := range days {
		most = max(most, n)
	}
	return most, err
}
