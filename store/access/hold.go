package access

import (
	"errors"
	"fmt"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// Hold holds a login of an account that the order reaches, and returns it as it is held then. nil: it
// is held already, by the same holder or by one whose hold h may not lift. A dry run returns what
// it would hold, and changes nothing.
func (a *Access) Hold(t *room.Tx, o *behalf.Order, account, login string, h people.LoginHold) (held *people.Credential, err error) {
	c, err := a.loginOf(t, o, account, login)
	if err != nil {
		return nil, err
	}
	if c.Hold != nil && (c.Hold.Holder == h.Holder || !h.Holder.MayLift(c.Hold.Holder)) {
		return nil, nil
	}
	if o.DryRun {
		return c, nil
	}
	return c, a.hold(t, c, h)
}

// hold stores a hold with the news of it, or in place of an earlier one its new holder and reason.
func (a *Access) hold(t *room.Tx, c *people.Credential, h people.LoginHold) error {
	h.Since = t.Wall
	if c.Hold != nil {
		h.Since = c.Hold.Since
	}
	c.Hold = &h
	return errors.Join(people.PutCredential(t, c),
		a.news.Add(t, news.Item{Kind: news.LoginHeld, Account: c.Account, About: c.Login, Reason: string(h.Holder), Why: h.Reason, Signs: h.Signs}))
}

// ErrOtherHolder is the refusal to lift a hold of somebody above.
var ErrOtherHolder = errors.New("is held by another one")

// Resume ends the hold of a login of an account that the order reaches; a dry run does not. was is
// the hold, also where by may not lift it; nil: there is none.
func (a *Access) Resume(t *room.Tx, o *behalf.Order, account, login string, by people.Holder) (was *people.LoginHold, err error) {
	c, err := a.loginOf(t, o, account, login)
	if err != nil || c.Hold == nil {
		return nil, err
	}
	was = c.Hold
	if !by.MayLift(was.Holder) {
		return was, fmt.Errorf("login %q %w: %s", login, ErrOtherHolder, was.Holder)
	}
	if o.DryRun {
		return was, nil
	}
	c.Hold = nil
	return was, people.PutCredential(t, c)
}

// loginOf loads a login of an account that the order reaches, for a change.
func (a *Access) loginOf(t *room.Tx, o *behalf.Order, account, login string) (*people.Credential, error) {
	if err := o.Reaches(t, account); err != nil {
		return nil, err
	}
	if t.Get(bucket.LoginsOf, room.Pair(account, login)) == nil { // nothing of another account's is read
		return nil, fmt.Errorf("credentials %q: %w", login, room.ErrNotFound)
	}
	return a.loadLogin(t, login)
}

// loadLogin loads a login for a change.
func (a *Access) loadLogin(t *room.Tx, login string) (*people.Credential, error) {
	c, err := a.people.CredentialIn(t, login)
	if err != nil {
		return nil, err
	}
	is := *c
	return &is, nil
}
