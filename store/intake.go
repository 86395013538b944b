package store

import (
	"errors"
	"fmt"

	"relay/quota"
	"relay/store/bodies"
	"relay/store/spooled"
	"relay/store/standing"
)

// Intake is a message as the listener hands it over. The caller fills in these fields of the message:
// Account, Sender, Size, Expires, MessageID, EnvID, Ret, EightBit, SMTPUTF8, RequireTLS, and of each
// recipient Address, Domain, Notify, ORCPT. A mailbox that is named twice is one recipient: sent once,
// charged once.
type Intake struct {
	Message *spooled.Message
	Body    *bodies.Body
	Login   string // credential; "" when known by network
	Watched bool   // the login is watched, see access.Access.Enter
	Client  string // address, for the trace
}

// Accept decides the quota, charges it and stores message, body and queue keys, all in one transaction.
// nil, nil: the message is on disk and charged. With a refusal or an error nothing is; ErrFull says that
// the disk has no room, bodies.ErrShare that it has none for this account. The body is used up either way.
func (s *Store) Accept(in Intake) (refusal *standing.Refusal, err error) {
	m, b := in.Message, in.Body
	defer b.Discard()
	m.Distinct()
	asked, err := quota.ForMessage(m.Size, len(m.Recipients))
	if err != nil {
		return nil, err
	}
	if asked.Messages == 0 {
		return nil, errors.New("accept: no recipients")
	}
	var st standing.Standing
	hash := b.Hash()
	err = s.growThen(b.InMemory()+1024, func(t *tx) error {
		refusal, st, err = t.admit(&in, asked)
		if err != nil || refusal != nil {
			return err
		}
		if err := s.Bodies.ShareAlike(&t.Tx, m.Account, b.Size()-b.Staged()); err != nil {
			return err
		}
		m.ID, m.Stored, m.Accepted, m.Period, m.BodyHash = b.ID(), b.Size(), t.Wall, st.Period.Key, hash
		m.VERP = st.Account.VERP && m.Returnable()
		if err := errors.Join(s.Standings.Charge(&t.Tx, &st, asked), s.Standings.TellCrossed(&t.Tx, &st, asked), s.Strangers.Plan(&t.Tx, m, &st.Account)); err != nil {
			return err
		}
		if err := b.Keep(&t.Tx); err != nil {
			return err
		}
		m.Client, m.Login = in.Client, in.Login
		return t.Enqueue(m)
	})
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	if refusal != nil {
		s.Standings.TellRefused(&st, refusal)
		return refusal, nil
	}
	b.Accepted()
	return nil, nil
}

// admit decides whether the account and the login may send the message, and returns where the account
// stands. A refusal for the quota has written nothing, so the other requests of the commit need not run
// again.
func (t *tx) admit(in *Intake, asked quota.Charge) (refusal *standing.Refusal, st standing.Standing, err error) {
	refusal, st, err = t.s.Standings.PermitIn(&t.Tx, in.Message.Account, in.Login, asked)
	if err == nil && refusal == nil && in.Watched {
		refusal, err = t.suspect(in.Message, in.Login, asked)
	}
	return refusal, st, err
}
