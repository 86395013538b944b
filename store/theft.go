package store

import (
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
	"relay/store/spooled"
)

// The watch of logins (store/access) compares a login's mail with what its account usually sends, and
// counts the recipients that the account never wrote to.

// suspect counts a message of a login that is watched. If it is too much, the login is held with its mail,
// and the refusal says so.
func (t *tx) suspect(m *spooled.Message, login string, asked quota.Charge) (*Refusal, error) {
	held, err := t.s.Access.Suspect(&t.Tx, login, asked.Messages, func() (int64, bool, error) { return t.s.Strangers.FirstTime(&t.Tx, m) })
	if err != nil || held == nil {
		return nil, err
	}
	return &Refusal{Account: m.Account, State: ledger.Active, Login: login, Held: held.Hold}, t.HoldMail(held)
}

const usualDays = 35 * 24 * time.Hour // a monthly newsletter is usual

// busiest is how many e-mails an account sent on its busiest day in five weeks, today
// included.
func (t *tx) busiest(account string) (most int64, err error) {
	days := map[string]int64{}
	st, err := t.standing(account)
	if err != nil {
		return 0, err
	}
	days[st.Used.Day] = st.Used.Today.Messages
	t.newest(account, func(k, raw []byte) bool {
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
