package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/store"
	"relay/store/behalf"
	"relay/store/people"
	"relay/store/secret"
	"relay/store/spooled"
)

// A login made for a test is known by its name and its note. One that is older than any
// test was left by a relay that was killed.
const (
	trialLogin = "relay-test-"
	trialNote  = "made by relay test, for one message"
	trialLife  = 10 * time.Minute
)

// handOver submits the message with a login made for it, and revokes the login.
func (t *trial) handOver(ctx context.Context) (id spooled.ID, err error) {
	login, password, err := t.lend()
	if err != nil {
		return id, err
	}
	defer func() {
		if left := t.giveBack(login); left != nil {
			err = left // a login that remains is worse than a test that fails
		}
	}()
	return t.s.Running.Submission.Submit(ctx, &act.TrialMessage{Account: login.Account, Login: login.Login, Secret: password,
		From: t.from, To: t.to, Content: t.content(t.s.Store.Now())}, t.steps)
}

// lend makes the login, and revokes those that a killed relay left.
func (t *trial) lend() (login people.Credential, password string, err error) {
	st, now := t.s.Store, t.s.Store.Now()
	list, err := st.People.Credentials(t.account.Name)
	if err != nil {
		return login, "", err
	}
	for _, c := range list {
		if strings.HasPrefix(c.Login, trialLogin) && c.Note == trialNote && now.Sub(c.Created) > trialLife {
			if err := t.giveBack(c); err != nil {
				return login, "", err
			}
		}
	}
	password, hash := secret.NewToken()
	login = people.Credential{Login: trialLogin + strings.ToLower(rand.Text()[:8]), Account: t.account.Name,
		Kind: people.Token, Hash: hash, Note: trialNote, Created: now}
	return login, password, st.People.AddCredential(behalf.Order{}, login)
}

// giveBack revokes the login.
func (t *trial) giveBack(c people.Credential) error {
	err := t.s.Store.People.RemoveCredential(behalf.Order{}, c.Account, c.Login)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return act.Fail(act.Internal, fmt.Sprintf("{account credential revoke %s %s}", c.Account, c.Login),
		"cannot revoke the login made for the test: %w", err)
}
