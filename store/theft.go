package store

import (
	"relay/quota"
	"relay/store/ledger"
	"relay/store/spooled"
	"relay/store/standing"
)

// The watch of logins (store/access) compares a login's mail with what its account usually sends, and
// counts the recipients that the account never wrote to.

// suspect counts a message of a login that is watched. If it is too much, the login is held with its mail,
// and the refusal says so.
func (t *tx) suspect(m *spooled.Message, login string, asked quota.Charge) (*standing.Refusal, error) {
	held, err := t.s.Access.Suspect(&t.Tx, login, asked.Messages, func() (int64, bool, error) { return t.s.Strangers.FirstTime(&t.Tx, m) })
	if err != nil || held == nil {
		return nil, err
	}
	return &standing.Refusal{Account: m.Account, State: ledger.Active, Login: login, Held: held.Hold}, t.HoldMail(held)
}
