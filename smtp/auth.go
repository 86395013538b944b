package smtp

import (
	"errors"
	"time"

	"github.com/emersion/go-sasl"

	"relay/smtp/guard"
	"relay/smtp/wire"
	"relay/store/people"
)

// exchange makes every failure of a SASL server one of our replies.
type exchange struct {
	s *session
	sasl.Server
}

// Next implements sasl.Server.
func (e *exchange) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = e.Server.Next(response)
	if err == nil && !done {
		return challenge, false, nil
	}
	if _, ours := errors.AsType[*reply](err); err != nil && !ours {
		err = errSASL
	}
	return nil, err == nil, e.s.answer(okAuth, err)
}

// loginServer is the server of LOGIN, which no RFC has but old programs know
// (draft-murchison-sasl-login).
type loginServer struct {
	user  *string
	asked bool
	check func(user, password string) error
}

var errResponse = errors.New("unexpected response")

// Next implements sasl.Server; the user's name may come as initial response.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil && !l.asked:
		l.asked = true
		return []byte("Username:"), false, nil
	case response == nil:
		return nil, false, errResponse
	case l.user == nil:
		name := string(response)
		l.user, l.asked = &name, true
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(*l.user, string(response))
}

// plain checks the response of PLAIN (RFC 4616). Nobody may act for another.
func (s *session) plain(identity, user, password string) error {
	if identity != "" && people.FoldLogin(identity) != people.FoldLogin(user) {
		password = ""
	}
	return s.authenticate(user, password)
}

// authenticate logs in. Where the login is wrong, the reply and its delay do not tell
// whether the user exists.
func (s *session) authenticate(user, password string) error {
	c := s.c
	begin := time.Now()
	a, err := c.srv.guard.Try(&guard.Attempt{User: user, Password: password, From: wire.Site(c.addr), Exempt: c.exempt,
		Limits: c.cfg.guardLimits(), Stop: c.srv.stopping})
	if err != nil {
		c.srv.events.storeFailed(c, err)
		return errAuthLocal
	}
	switch a.Outcome {
	case guard.Right:
		return s.loggedIn(&a)
	case guard.Busy:
		return errAuthBusy
	case guard.Banned:
		return s.bannedLogin(begin, a.Ban)
	case guard.Locked:
		c.srv.events.loginLocked(c, a.Name, a.Until)
		s.refuseLogin(begin, &a)
		return errLocked.With("%s", minutes(a.Until))
	case guard.Held: // as if the password were wrong: a thief is not told that it is right, and its owner was told by mail
		c.srv.events.loginHeld(c, a.Name, a.Credential.Hold)
	default:
		c.srv.events.loginFailed(c, a.Name, a.Address)
	}
	s.refuseLogin(begin, &a)
	return errLogin
}

// loggedIn makes the session that of a login, and counts its connection.
func (s *session) loggedIn(a *guard.Answer) error {
	if err := s.enter(a.Credential.Account); err != nil {
		return err
	}
	s.login = a.Credential
	s.noteUse(a.Name)
	s.c.srv.events.loggedIn(s.c, s.login.Login, s.login.Account)
	return nil
}

// noteUse notes from where the login is used, and whether what it sends is watched.
func (s *session) noteUse(name string) {
	c, login := s.c, s.login.Login
	watched, begins, err := c.srv.guard.Enter(&guard.Use{Login: login, Name: name, From: wire.Site(c.addr), Exempt: c.exempt, Program: s.program})
	s.watched = watched
	switch {
	case err != nil:
		c.srv.events.accessLost(c, login, err)
	case begins:
		c.srv.events.watched(c, login)
	}
}

// bannedLogin ends the connection as one that begins now would be.
func (s *session) bannedLogin(begin time.Time, b guard.Ban) error {
	c := s.c
	no := bannedReply(b)
	c.srv.events.turnedAway(c, no)
	c.Dead = true
	c.srv.wait(begin, loginDelay(c.cfg.LoginDelay, c.failed+1))
	return no
}

// bannedReply is for an address, or one in a network, that is banned.
func bannedReply(b guard.Ban) *reply {
	if b.Wide() {
		return errBannedNet.With("%s", minutes(b.Until))
	}
	return errBanned.With("%s", minutes(b.Until))
}

// refuseLogin logs what began with a refused login, waits, longer each time, and ends a
// connection that has tried often enough. The wait is counted from the beginning of the
// attempt, so that it hides how long the check took.
func (s *session) refuseLogin(begin time.Time, a *guard.Answer) {
	c := s.c
	for _, b := range a.Begun {
		c.srv.events.banned(b)
	}
	if a.Login.Begins {
		c.srv.events.locked(a.Name, a.Login)
	}
	c.failed++
	if c.failed >= c.cfg.FailedLogins || !a.Address.Until.IsZero() {
		c.bye = errLogins
	}
	c.srv.wait(begin, loginDelay(c.cfg.LoginDelay, max(c.failed, a.Failures)))
}

// loginDelay doubles with every failure.
func loginDelay(first time.Duration, n int) time.Duration {
	d := first
	for ; n > 1 && d < maxDelay; n-- {
		d *= 2
	}
	return min(d, max(first, maxDelay))
}

// wait returns at the first multiple of d after begin, or when relay stops: a
// check that took longer than d shows no more than that.
func (s *Server) wait(begin time.Time, d time.Duration) {
	if d <= 0 {
		return
	}
	took := time.Since(begin)
	t := time.NewTimer((took/d+1)*d - took)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.stopping:
	}
}
