package returns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"relay/store/bodies"
	"relay/store/maildomain"
	"relay/store/room"
	"relay/store/spooled"
	"relay/store/trace"
)

// Mail that came back is passed on: to the customer whose message a
// token names, or to the operator. It is relay's own mail, with the null reverse-path and
// free of charge, so nothing can come back of it again. Its content stays as it is.
//
// Each recipient of a message knows a token, and may write anything to it. So mail goes to
// an address only that is certainly the customer's (Account.Owns): to the sender, or else to
// the contact. Any other sender may be a stranger that the customer has named, to have relay
// write to him. And a token brings mostOfToken e-mails a day, so that one recipient can fill
// neither the customer's mailbox nor the account's hour.
//
// The sender is known as long as the trace has the message. After that, mail goes to the
// contact, for as long as the index of what was sent knows whose message it is.
//
// Body, message and queue keys are stored in one transaction, with the count of the hour. A
// crash leaves all of it or nothing.

// Passing is mail that is to be passed on.
type Passing struct {
	Token     string // of VERP: it goes to the customer whose message that is; "": it goes to To
	To        string
	Body      *bodies.Body
	MessageID string // of its header, with brackets
	Size      int64  // octets as handed over
	EightBit  bool
	SMTPUTF8  bool
	Lifetime  time.Duration
	Loops     func(address string) bool // mail to that address would come back here; nil: none would
}

// Passed is what became of it.
type Passed struct {
	ID      spooled.ID // of the mail that was queued; zero: none was
	About   spooled.ID // message that the token names; zero: it is not known any more
	Account string
	To      string
	Why     NotPassed // "": it was queued
}

// NotPassed says why mail was not passed on.
type NotPassed string

// The reasons.
const (
	PassUnknown NotPassed = "unknown" // the message is not known any more
	PassNull    NotPassed = "null"    // it had the null reverse-path
	PassLoop    NotPassed = "loop"    // its sender is an address of relay's own
	PassForeign NotPassed = "foreign" // its sender is not certainly the customer's, and the account has no contact
	PassOften   NotPassed = "often"   // the account has had DSNs.PerHour in this hour
	PassRepeat  NotPassed = "repeat"  // the token has brought as many as it may in a day
)

// PassOn queues mail that came back. The body is used up.
func (s *Returns) PassOn(p *Passing) (is Passed, err error) {
	defer p.Body.Discard()
	b := p.Body
	if p.Token != "" && !s.passes.take(s, p.Token) {
		is.Why = PassRepeat
		s.logPassed(&is)
		return is, nil
	}
	account, err := s.accountOf(p.Token)
	if err != nil {
		s.passes.giveBack(s, p.Token)
		return is, fmt.Errorf("pass on: %w", err)
	}
	err = s.growThen(b.InMemory()+1024, func(t *tx) error {
		is = Passed{To: p.To}
		if err := t.whereTo(p, account, &is); err != nil || is.Why != "" {
			return err
		}
		return t.passOn(p, &is)
	})
	if err != nil {
		s.passes.giveBack(s, p.Token)
		return is, fmt.Errorf("pass on: %w", err)
	}
	if is.Why == "" {
		b.Accepted()
	}
	s.logPassed(&is)
	return is, nil
}

// accountOf is whose message a token names, as long as the trace or the index of what was sent
// has it.
func (s *Returns) accountOf(text string) (account string, err error) {
	if !s.Delivered.KnowsToken(text) {
		return "", nil
	}
	var all []*search
	err = s.view(func(t *tx) (err error) {
		all, err = t.searches([]Return{{Kind: Bounce, Token: text}})
		return err
	})
	if err != nil {
		return "", err
	}
	switch was := all[0].was; {
	case was != nil && was.Note != "": // it is relay's own
		return "", nil
	case was != nil:
		return was.Account, nil
	}
	if err = s.lookUp(all); err == nil && all[0].hit != nil {
		account = all[0].hit.owner.Account
	}
	return account, err
}

// whereTo finds out where mail goes, and whether it may. account is what accountOf says.
func (t *tx) whereTo(p *Passing, account string, is *Passed) error {
	if p.Token != "" {
		if err := t.senderOf(p.Token, account, is); err != nil {
			return err
		}
	}
	switch {
	case is.Why != "":
		return nil
	case p.Loops != nil && p.Loops(is.To):
		is.Why = PassLoop
		return nil
	case is.Account == "":
		return nil
	}
	may, err := t.TakeDSN(is.Account)
	if err == nil && !may {
		is.Why = PassOften
	}
	return err
}

// senderOf is the customer's address for the message that a token names.
func (t *tx) senderOf(text, account string, is *Passed) error {
	about, ok := t.s.Delivered.ParseToken(text)
	if !ok || account == "" {
		is.Why = PassUnknown
		return nil
	}
	was, err := trace.Acceptance(&t.Tx, about.ID)
	if err != nil {
		return err
	}
	is.About, is.Account, is.To = about.ID, account, ""
	if was != nil {
		is.To = was.Sender
	}
	a, err := t.s.Books.AccountIn(&t.Tx, account)
	switch {
	case errors.Is(err, room.ErrNotFound):
		is.Why = PassUnknown
		return nil
	case err != nil:
		return err
	case was != nil && is.To == "":
		is.Why = PassNull
	case was != nil && a.Owns(is.To):
	case a.Contact != "":
		is.To = a.Contact
	default:
		is.Why = PassForeign
	}
	return nil
}

func (t *tx) passOn(p *Passing, is *Passed) error {
	b := p.Body
	at := strings.LastIndexByte(is.To, '@')
	_, domain, ok := maildomain.Parse(is.To[at+1:])
	if at < 1 || !ok {
		return fmt.Errorf("%q is no address", is.To)
	}
	m := &spooled.Message{ID: b.ID(), For: is.Account, Size: p.Size, Stored: b.Size(), Accepted: t.Wall, Expires: t.Wall.Add(cmp.Or(p.Lifetime, 4*24*time.Hour)),
		MessageID: p.MessageID, EightBit: p.EightBit, SMTPUTF8: p.SMTPUTF8 || strings.ContainsFunc(is.To, func(r rune) bool { return r >= utf8.RuneSelf }), Own: spooled.NoteReturned,
		Recipients: []spooled.Recipient{{Address: is.To, Domain: domain, Notify: spooled.NotifyNever}}}
	is.ID = m.ID
	if err := b.Keep(&t.Tx); err != nil {
		return err
	}
	return t.Enqueue(m)
}

func (s *Returns) logPassed(is *Passed) {
	attrs := []slog.Attr{slog.String("component", "store"), slog.String("to", is.To)}
	if is.Account != "" { // mail to the operator is about no account's
		attrs = append(attrs, slog.String("about", is.About.String()), slog.String("account", is.Account))
	}
	switch is.Why {
	case "":
		s.o.Log.LogAttrs(context.Background(), slog.LevelInfo, "returned mail passed on", append(attrs, slog.String("spool_id", is.ID.String()))...)
	case PassRepeat: // nothing is known of it yet, and it may come very often
		s.o.Quiet.Often(slog.LevelInfo, string(is.Why), "returned mail not passed on", slog.String("component", "store"), slog.String("why", string(is.Why)))
	case PassOften:
		s.o.Quiet.Often(slog.LevelWarn, is.Account, "returned mail not passed on: the account has had as many as it may in this hour", attrs...)
	default:
		s.o.Quiet.Often(slog.LevelInfo, is.Account+" "+string(is.Why), "returned mail not passed on", append(attrs, slog.String("why", string(is.Why)))...)
	}
}
