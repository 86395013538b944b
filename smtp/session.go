package smtp

import (
	"errors"
	"io"
	"runtime/debug"
	"strings"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"relay/quota"
	"relay/report/words"
	"relay/smtp/wire"
	"relay/store"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/spooled"
	"relay/store/standing"
)

// session is what go-smtp calls for the commands that Conn let through. Its
// methods end in answer, which knows the one table of replies.
type session struct {
	c *Conn

	helo, esmtp bool
	program     string            // what the client says it is: its name at EHLO
	mech        string            // of the last AUTH
	login       people.Credential // Login "": not logged in
	watched     bool              // what it sends is watched, see guard.Enter
	account     string            // for which the connection is counted; "": none
	taken       taken             // of the account's rate, for the message that is open

	mail wire.MailArgs // of the last MAIL
	rcpt wire.RcptArgs // of the last RCPT

	open     bool // between MAIL and the end of the message
	msg      *spooled.Message
	standing standing.Standing // at MAIL
	asked    bool              // it goes to an address that relay itself answers
	refused  *reply            // the allowance does not hold the message: nothing of it is taken
	blamed   bool              // its refusal was counted as a mistake
	chunked  bool              // the content comes with BDAT
	chunk    wire.Chunk        // the first one
}

var _ gosmtp.AuthSession = (*session)(nil)

// answer turns what a method returns into what go-smtp sends.
func (s *session) answer(ok *reply, err error) error {
	if err == nil {
		s.c.say = ok
		return nil
	}
	if _, ours := errors.AsType[*reply](err); !ours {
		s.c.srv.events.storeFailed(s.c, err)
	}
	return asLibrary(replyTo(err))
}

// Mail begins a message.
func (s *session) Mail(string, *gosmtp.MailOptions) error {
	_ = growStack(0)
	s.blamed = false
	return s.answer(wire.OkMail, s.blame(s.begin()))
}

// blame counts a message that is refused for good as a mistake, once: a program
// that sends the like without end loses the connection.
func (s *session) blame(err error) error {
	if r, ours := errors.AsType[*reply](err); ours && r.Code >= 500 && !s.blamed {
		s.blamed, s.c.blame = true, true
	}
	return err
}

func (s *session) begin() error {
	c, a := s.c, &s.mail
	if c.srv.draining.Load() {
		c.Dead = true
		return wire.ErrDrain
	}
	if c.messages >= c.cfg.MessagesPerConnection {
		c.Dead = true
		return wire.ErrMessages
	}
	account, err := s.who()
	if err != nil {
		return err
	}
	if a.RequireTLS && !c.Secure {
		return errRequireTLS
	}
	if a.Size > c.cfg.MaxMessage {
		return wire.ErrTooLarge
	}
	if s.standing, err = c.srv.st.Standings.Standing(account); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := s.permit(account, a.Size, min(a.Size, 1)); err != nil {
		return err
	}
	if err := allowedSender(&s.standing.Account, a.From.Addr); err != nil {
		return err
	}
	if err := s.takeMessage(account); err != nil {
		return err
	}
	s.open, s.asked, s.refused = true, false, nil
	s.msg = &spooled.Message{Account: account, Sender: a.From.Addr, EnvID: a.EnvID, Ret: a.Ret,
		SMTPUTF8: a.SMTPUTF8, RequireTLS: a.RequireTLS}
	return nil
}

// who is the account that sends: the one logged in, as long as its credential
// is what it was at the login, or the one that owns the client's network.
func (s *session) who() (string, error) {
	if s.login.Login == "" {
		return s.byNetwork()
	}
	return s.login.Account, s.unrevoked()
}

// unrevoked fails when the credential is no longer what it was at the login, or is held.
func (s *session) unrevoked() error {
	now, err := s.c.srv.st.People.Credential(s.login.Login)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if now.Hash != s.login.Hash || now.Account != s.login.Account {
		return refusal(&standing.Refusal{Revoked: true}, &s.c.cfg.Config)
	}
	if now.Hold != nil {
		return refusal(&standing.Refusal{Account: now.Account, Login: now.Login, Held: now.Hold}, &s.c.cfg.Config)
	}
	return nil
}

// still fails when who said MAIL may not send for that account any more.
func (s *session) still() error {
	if s.login.Login != "" {
		return s.unrevoked()
	}
	if account, ok := s.c.srv.st.People.NetworkAccount(s.c.addr); !ok || account != s.msg.Account {
		return errAccount.With("this network may not send for the account any more: log in")
	}
	return nil
}

func (s *session) byNetwork() (string, error) {
	c := s.c
	account, ok := c.srv.st.People.NetworkAccount(c.addr)
	switch {
	case ok:
		return account, s.enter(account)
	case c.mode == None:
		return "", errKnownOnly
	case !c.Secure:
		return "", errAuthUnsafe
	}
	return "", errAuthRequired
}

// enter counts the connection for an account.
func (s *session) enter(account string) error {
	if s.account == account {
		return nil
	}
	s.leave()
	if !s.c.srv.gate.EnterAccount(account, s.c.cfg.ConnectionsPerAccount) {
		s.c.Dead = true
		return errBusyAcct
	}
	s.account = account
	return nil
}

func (s *session) leave() {
	s.giveBack()
	if s.account != "" {
		s.c.srv.gate.LeaveAccount(s.account)
		s.account = ""
	}
}

// permit asks whether the account may send so much more. What it knew at MAIL
// answers a yes; a no is the store's.
func (s *session) permit(account string, size, recipients int64) error {
	charge, err := quota.ForMessage(size, int(recipients))
	if err != nil {
		return wire.ErrTooLarge
	}
	st := &s.standing
	if st.Account.Status() == ledger.Active && st.InTerm &&
		quota.Fits(st.InPeriod(), st.Used.Charged, charge, nil, 0) == nil {
		return nil
	}
	r, err := s.c.srv.st.Standings.Permit(account, s.login.Login, charge)
	if err != nil {
		return err
	}
	if r != nil {
		return s.refuse(account, s.stage(), r)
	}
	return nil
}

// stage is the command that is being answered.
func (s *session) stage() string {
	if s.open {
		return "RCPT"
	}
	return "MAIL"
}

func (s *session) refuse(account, stage string, r *standing.Refusal) *reply {
	no := refusal(r, &s.c.cfg.Config)
	s.c.srv.events.refused(s.c, account, stage, no)
	return no
}

// allowedSender checks the addresses and domains an account is bound to. The
// null reverse-path is always allowed: it cannot be answered, only read.
func allowedSender(a *books.Account, from string) error {
	if len(a.Senders) == 0 || from == "" {
		return nil
	}
	at := strings.LastIndexByte(from, '@')
	for _, may := range a.Senders {
		if strings.EqualFold(may, from) || strings.EqualFold(may, from[at:]) {
			return nil
		}
	}
	return errSender.With("%s", strings.Join(a.Senders[:min(len(a.Senders), 5)], ", "))
}

// Rcpt adds a recipient; one that is named again is the same. Once the allowance does
// not hold one of them, nothing of the message is taken.
func (s *session) Rcpt(string, *gosmtp.RcptOptions) error {
	return s.answer(wire.OkRcpt, s.blame(s.add()))
}

func (s *session) add() error {
	if s.refused != nil {
		return s.refused
	}
	r := spooled.Recipient{Address: s.rcpt.To.Addr, Domain: s.rcpt.To.Domain, Notify: s.rcpt.Notify, ORCPT: s.rcpt.ORCPT}
	if s.msg.Repeats(&r) {
		return nil
	}
	n := len(s.msg.Recipients)
	asks := s.asks(r.Address)
	if n > 0 && (asks || s.asked) {
		return errAlone
	}
	if most := s.standing.Contract.Plan.MaxRecipients(); n >= most {
		return errTooManyRcpt.With("%s per message; send to the rest separately", words.Plural(int64(most), "recipient"))
	}
	if err := s.permit(s.msg.Account, s.mail.Size, int64(n+1)); err != nil {
		if r, ok := errors.AsType[*reply](err); ok {
			s.refused = r
		}
		return err
	}
	if err := s.takeRecipient(); err != nil {
		return err
	}
	s.msg.AddRecipient(r)
	s.asked = asks
	return nil
}

// Data takes the content. It reads from Conn, not from r: see the package's
// documentation.
func (s *session) Data(io.Reader) (err error) {
	c := s.c
	defer func() {
		if v := recover(); v != nil { // the rest of the content must not be read as commands
			c.srv.events.panicked(c, v, debug.Stack())
			c.Dead, c.give = true, nil
			err = asLibrary(wire.ErrLocal)
		}
	}()
	id, err := s.take()
	if err != nil {
		return s.answer(nil, s.blame(err))
	}
	s.taken = taken{} // it was used
	c.messages++
	c.errors, c.commands = 0, 0
	if s.asked {
		return s.answer(okAsked, nil)
	}
	return s.answer(wire.Row(250, enh{2, 0, 0}, "queued as "+id), nil)
}

// Reset forgets the message.
func (s *session) Reset() {
	s.giveBack()
	s.open, s.msg, s.asked, s.refused = false, nil, false, nil
}

// Logout is called at the end of the connection. Conn.Close does what is to do.
func (s *session) Logout() error { return nil }

// AuthMechanisms are announced by Conn; go-smtp's own announcement is dropped.
func (s *session) AuthMechanisms() []string { return nil }

// Auth begins an exchange that Conn let through: TLS is on.
func (s *session) Auth(mech string) (sasl.Server, error) {
	s.mech = mech
	switch mech {
	case sasl.Plain:
		return &exchange{s, sasl.NewPlainServer(s.plain)}, nil
	case sasl.Login:
		return &exchange{s, &loginServer{check: s.authenticate}}, nil
	}
	return nil, asLibrary(errMechanism)
}

// growStack has the goroutine's stack grow to the 16 KB that a message needs, at once and while little is on
// it. Left alone it grows twice below Standing, and each time all of the calls on it are copied. That took
// a third of MAIL.
//
//go:noinline
func growStack(i int) byte {
	var room [9 << 10]byte
	return room[i]
}
