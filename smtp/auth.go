package smtp

import (
	"errors"
	"time"

	"github.com/emersion/go-sasl"

	"relay/store"
	"relay/store/secret"
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
	if identity != "" && store.FoldLogin(identity) != store.FoldLogin(user) {
		password = ""
	}
	return s.authenticate(user, password)
}

// authenticate logs in. Whatever is wrong with the login, the answer is the same,
// at the same time: neither tells whether the user exists.
func (s *session) authenticate(user, password string) error {
	c := s.c
	begin := time.Now()
	name := nameKey(user)
	cred, err := c.srv.st.Credential(user)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		c.srv.events.storeFailed(c, err)
		return errAuthLocal
	}
	exists := err == nil
	if !exists {
		cred = store.Credential{Login: store.FoldLogin(user)}
	}
	sure := exists && secret.IsToken(cred, password)
	if no := s.shut(begin, name, password, sure); no != nil {
		return no
	}
	right := sure
	if !sure && password != "" {
		answered := false
		if right, answered = c.srv.logins.verify(cred, password, s.asker(name)); !answered {
			return errAuthBusy
		}
	}
	if no := s.shut(begin, name, password, sure); no != nil { // meanwhile: of guesses that come at once few are answered
		return no
	}
	if !right {
		return s.wrongLogin(begin, name, password)
	}
	if !c.exempt {
		c.srv.guard.places.succeeded(cred.Login, site(c.addr))
	}
	if err := s.enter(cred.Account); err != nil {
		return err
	}
	s.login = cred
	c.srv.events.loggedIn(c, cred.Login, cred.Account)
	return nil
}

func (s *session) asker(name string) asker {
	c := s.c
	if c.exempt {
		return asker{known: true, stop: c.srv.stopping}
	}
	return asker{site(c.addr), c.srv.guard.places.known(name, site(c.addr)), c.srv.stopping}
}

// shut refuses a login whose name is locked, or whose address was banned since the
// connection began: whatever the password, or the answer would tell a right one.
// sure says that it is a generated password and right: nobody guesses those, so a
// lock does not hold for it.
func (s *session) shut(begin time.Time, name, password string, sure bool) error {
	c := s.c
	if c.exempt {
		return nil
	}
	if b := c.srv.guard.banned(site(c.addr)); b.Network.IsValid() {
		return s.bannedLogin(begin, b)
	}
	if until := c.srv.guard.locked(name, site(c.addr)); !until.IsZero() && !sure {
		return s.lockedLogin(begin, name, password, until)
	}
	return nil
}

// bannedLogin ends the connection as one that begins now would be.
func (s *session) bannedLogin(begin time.Time, b Ban) error {
	c := s.c
	no := bannedReply(b)
	c.srv.events.turnedAway(c, no)
	c.dead = true
	c.srv.wait(begin, loginDelay(c.cfg.LoginDelay, c.failed+1))
	return no
}

// bannedReply is for an address, or one in a network, that is banned.
func bannedReply(b Ban) *reply {
	if b.Wide() {
		return errBannedNet.with("%s", minutes(b.Until))
	}
	return errBanned.with("%s", minutes(b.Until))
}

// wrongLogin counts, waits and refuses. The wait grows with every failure; it is
// counted from the beginning, so that it hides how long the check took.
func (s *session) wrongLogin(begin time.Time, name, password string) error {
	c := s.c
	var addr, login failure
	var bans []Ban
	if !c.exempt {
		addr, bans, login = c.srv.guard.failed(&c.cfg.Config, name, site(c.addr), c.srv.logins.mark(name, password))
	}
	c.srv.events.loginFailed(c, name, addr)
	c.tellBans(name, bans, login)
	s.refuseLogin(begin, max(addr.failed, login.failed), !addr.until.IsZero())
	return errLogin
}

// lockedLogin refuses a user name that is locked. For its address it counts as a
// wrong login.
func (s *session) lockedLogin(begin time.Time, name, password string, until time.Time) error {
	c := s.c
	addr, bans := c.srv.guard.failedFrom(&c.cfg.Config, site(c.addr), c.srv.logins.mark(name, password), begin)
	c.srv.events.loginLocked(c, name, until)
	c.tellBans(name, bans, failure{})
	s.refuseLogin(begin, addr.failed, !addr.until.IsZero())
	return errLocked.with("%s", minutes(until))
}

// refuseLogin waits, longer for the n-th time, and ends a connection that has
// tried often enough.
func (s *session) refuseLogin(begin time.Time, n int, banned bool) {
	c := s.c
	c.failed++
	if c.failed >= c.cfg.FailedLogins || banned {
		c.bye = errLogins
	}
	c.srv.wait(begin, loginDelay(c.cfg.LoginDelay, max(c.failed, n)))
}

// tellBans logs what began with a failed login.
func (c *Conn) tellBans(name string, bans []Ban, login failure) {
	for _, b := range bans {
		c.srv.events.banned(b)
	}
	if login.begins {
		c.srv.events.locked(name, login)
	}
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
