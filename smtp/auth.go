package smtp

import (
	"errors"
	"time"

	"github.com/emersion/go-sasl"

	"relay/store"
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
	if identity != "" && identity != user {
		password = ""
	}
	return s.authenticate(user, password)
}

// authenticate logs in. Whatever is wrong with the login, the answer is the same,
// at the same time: neither tells whether the user exists.
func (s *session) authenticate(user, password string) error {
	c := s.c
	begin := time.Now()
	cred, err := c.srv.st.Credential(user)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		c.srv.events.storeFailed(c, err)
		return errAuthLocal
	}
	if err != nil || password == "" || !c.srv.logins.verify(cred, password) {
		return s.wrongLogin(begin, user, password)
	}
	if err := s.enter(cred.Account); err != nil {
		return err
	}
	s.login = cred
	c.srv.events.loggedIn(c, cred.Login, cred.Account)
	return nil
}

// wrongLogin counts, waits and refuses. The wait grows with every failure; it is
// counted from the beginning, so that it hides how long the check took.
func (s *session) wrongLogin(begin time.Time, user, password string) error {
	c := s.c
	c.failed++
	n, banned := c.srv.gate.failed(c.addr, c.srv.logins.mark(user, password))
	c.srv.events.loginFailed(c, user, banned)
	if c.failed >= c.srv.cfg.FailedLogins || banned {
		c.bye = errLogins
	}
	c.srv.wait(begin, loginDelay(c.srv.cfg.LoginDelay, max(c.failed, n)))
	return errLogin
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
