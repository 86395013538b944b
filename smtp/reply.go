package smtp

import (
	"errors"
	"fmt"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"relay/quota"
	"relay/report/words"
	"relay/smtp/wire"
	"relay/store"
	"relay/store/bodies"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/standing"
)

// reply is one line to the client. It is also an error: what a session's method
// returns, or content is refused with, is a row of the table below, or of wire's.
type reply = wire.Reply

// asLibrary is a reply as go-smtp sends it.
func asLibrary(r *reply) *gosmtp.SMTPError {
	return &gosmtp.SMTPError{Code: r.Code, EnhancedCode: gosmtp.EnhancedCode(r.Enh), Message: r.Text}
}

type enh = [3]int

// Everything that is said to a client. Success that go-smtp words itself is
// worded anew; what is not in the table is 451 4.3.0.
var (
	okAsked = wire.Row(250, enh{2, 0, 0}, "taken; the answer comes by mail")
	okAuth  = wire.Row(235, enh{2, 7, 0}, "logged in") // RFC 4954 §6

	errAuthRequired  = wire.Row(530, enh{5, 7, 0}, "authentication required: log in with AUTH")                                                // RFC 4954 §6
	errAuthUnsafe    = wire.Row(530, enh{5, 7, 0}, "authentication required: use STARTTLS, then AUTH")                                         // RFC 3207 §4, RFC 4954 §6
	errKnownOnly     = wire.Row(530, enh{5, 7, 0}, "authentication required: this port is for known networks only, log in on a port with TLS") // RFC 4954 §6
	errEncryptFirst  = wire.Row(538, enh{5, 7, 11}, "encryption required: use STARTTLS, or a port with TLS, before AUTH")                      // RFC 4954 §6, RFC 5248
	errLogin         = wire.Row(535, enh{5, 7, 8}, "wrong user name or password")                                                              // RFC 4954 §6
	errAuthLocal     = wire.Row(454, enh{4, 7, 0}, "cannot check the login now: try again later")                                              // RFC 4954 §6
	errAuthBusy      = wire.Row(454, enh{4, 7, 0}, "too many logins at once: try again in a minute")                                           // RFC 4954 §6
	errAuthCancelled = wire.Row(501, enh{5, 7, 0}, "authentication cancelled")                                                                 // RFC 4954 §4
	errBase64        = wire.Row(501, enh{5, 5, 2}, "not base64")                                                                               // RFC 4954 §4
	errSASL          = wire.Row(501, enh{5, 5, 2}, "malformed response")                                                                       // RFC 4954 §4
	errMechanism     = wire.Row(504, enh{5, 5, 4}, "unknown mechanism: use PLAIN or LOGIN")                                                    // RFC 4954 §4
	errAgain         = wire.Row(503, enh{5, 5, 1}, "logged in already")                                                                        // RFC 4954 §4
	errRequireTLS    = wire.Row(530, enh{5, 7, 10}, "REQUIRETLS needs TLS on this connection too: use STARTTLS first")                         // RFC 8689 §2

	errAccount     = wire.Row(550, enh{5, 7, 1}, "")                                                                                                  // RFC 5321 §4.2.3, RFC 3463 X.7.1
	errAllowance   = wire.Row(552, enh{5, 7, 1}, "")                                                                                                  // RFC 5321 §4.2.3, RFC 3463 X.7.1
	errSender      = wire.Row(553, enh{5, 7, 1}, "this account may not send from that address: use one of ")                                          // RFC 6409 §6.1
	errTooManyRcpt = wire.Row(452, enh{4, 5, 3}, "at most ")                                                                                          // RFC 5321 §4.5.3.1.10
	errAlone       = wire.Row(452, enh{4, 5, 3}, "relay answers this address itself: mail to it goes to it alone, send to the rest separately")       // RFC 5321 §4.5.3.1.10
	errStaged      = wire.Row(452, enh{4, 3, 1}, "too much mail of this account is coming in at once: try again when the other messages are through") // RFC 5321 §4.2.3, RFC 3463 X.3.1
	errShare       = wire.Row(452, enh{4, 3, 1}, "little room is left, and this account has most in the queue: try again later")                      // RFC 5321 §4.2.3, RFC 3463 X.3.1

	errResponseLimit = wire.Row(500, enh{5, 5, 6}, "response too long") // RFC 4954 §6

	errUnproved = wire.Row(550, enh{5, 7, 1}, "") // RFC 3463 X.7.1

	errBusyAcct  = wire.Row(421, enh{4, 7, 0}, "too many connections of this account: try again later")      // RFC 5321 §3.8
	errBanned    = wire.Row(421, enh{4, 7, 0}, "too many failed logins from your address: try again in ")    // RFC 5321 §3.1
	errBannedNet = wire.Row(421, enh{4, 7, 0}, "too many failed logins from your network: try again in ")    // RFC 5321 §3.1
	errLogins    = wire.Row(421, enh{4, 7, 0}, "too many failed logins: check user name and password")       // RFC 4954 §6
	errNoLogin   = wire.Row(421, enh{4, 7, 0}, "no login within 60 s and 50 commands, closing")              // RFC 5321 §3.8
	errLocked    = wire.Row(454, enh{4, 7, 0}, "too many wrong passwords for this user name: try again in ") // RFC 4954 §6: programs do not ask for another password at 454
	// 450 leaves the session as it is, for what may go on in a moment; 452 would tell
	// of our lack of room, or at RCPT of a message with too many recipients.
	errTooFast = wire.Row(450, enh{4, 7, 1}, "account ") // RFC 5321 §4.2.3 and §4.5.3.1.10, RFC 3463 X.7.1
)

// replyTo is the only way from an error to the wire. It never returns nil.
func replyTo(err error) *reply {
	if r, ok := errors.AsType[*reply](err); ok {
		return r
	}
	switch {
	case errors.Is(err, bodies.ErrStaged):
		return errStaged
	case errors.Is(err, bodies.ErrShare):
		return errShare
	case errors.Is(err, store.ErrFull):
		return wire.ErrFull
	}
	return wire.ErrLocal
}

// heldBack says why an account of a reseller may not send. It names no invoice, since
// the reseller's customers have other ones.
var heldBack = map[ledger.AccountState]string{ledger.Pending: "not active yet", ledger.Suspended: "suspended"}

// refusal words what the store says about an account.
func refusal(r *standing.Refusal, cfg *Config) *reply {
	switch {
	case r.Exceeded != nil:
		return exceeded(r, cfg.Zone)
	case r.Revoked:
		return errAccount.With("this login was revoked: log in with another one")
	case r.Held != nil:
		return errAccount.With("login %s is held%s: log in with another one, or have it resumed", r.Login, whyHeld(r.Held))
	case r.Reseller != "" && r.Reason == "" && (r.State == ledger.Pending || r.State == ledger.Suspended):
		return errAccount.With("account %s: %s, ask %s", r.Account, heldBack[r.State], r.Reseller)
	case r.State == ledger.Pending:
		return errAccount.With("account %s: not active yet, %s", r.Account, toPay(r.Unpaid, cfg, "it waits for its payment", "pay %s to begin"))
	case r.Expired:
		return errAccount.With("account %s: its term has ended%s, renew it to go on", r.Account, lastDay(r.TermEnd, cfg.Zone))
	case r.State == ledger.Suspended && r.Reason != "":
		return errAccount.With("account %s: suspended: %s", r.Account, r.Reason)
	case r.State == ledger.Suspended && r.Hold != "":
		return errAccount.With("account %s: suspended, %s", r.Account, toPay(r.Unpaid, cfg, "an invoice is unpaid: pay it to go on", "unpaid: pay %s to go on"))
	case r.State == ledger.Suspended:
		return errAccount.With("account %s: suspended, ask the operator", r.Account)
	}
	return errAccount.With("account %s: closed", r.Account)
}

// whyHeld is the reason for which a login is held; "": none is known.
func whyHeld(h *people.LoginHold) string {
	switch {
	case h.Holder == people.HeldByRelay:
		return ", it looks stolen"
	case h.Reason != "":
		return ", " + h.Reason
	}
	return ""
}

// toPay says what is to be paid; none is said where the invoice is not known.
func toPay(i *ledger.Invoice, cfg *Config, none, text string) string {
	switch {
	case i == nil:
		return none
	case cfg.Invoice == nil:
		return fmt.Sprintf(text, "invoice "+i.Name)
	}
	return fmt.Sprintf(text, cfg.Invoice(i))
}

func exceeded(r *standing.Refusal, zone *time.Location) *reply {
	e := r.Exceeded
	used, allowed, asked := words.Octets(e.Used.Bytes), words.Octets(e.Allowance.Bytes), words.Octets(e.Asked.Bytes)
	if e.OverMessages() {
		used, allowed, asked = words.Number(e.Used.Messages), words.Plural(e.Allowance.Messages, "e-mail"), words.Number(e.Asked.Messages)
	}
	return errAllowance.With("plan limit: %s of %s%s used, this message needs %s; %s", used, allowed, besides(e), asked, offer(r, zone))
}

// besides is what an account may use over its plan's allowance. Credit is of the plan's
// unit: octets, of a plan by bandwidth.
func besides(e *quota.Exceeded) (text string) {
	switch {
	case e.Credit == 0:
	case e.Weight > 0 || !e.OverMessages():
		text = " and a credit of " + words.Octets(e.Credit)
	default:
		text = " and a credit of " + words.Number(e.Credit)
	}
	if e.Most > 0 {
		text += " and an overage of " + words.Octets(e.Most)
	}
	return text
}

// offer is what the customer can do, the best first: a year's plan is upgraded, 30
// days are renewed (M18).
func offer(r *standing.Refusal, zone *time.Location) string {
	renewed := "does not renew in this term"
	if e := r.Exceeded; !e.Renewed.IsZero() {
		renewed = "renews" + on(e.Renewed, zone)
	}
	switch e := r.Exceeded; {
	case r.Month && r.Spent && e.Renewed.IsZero():
		return "the term is used up: renew it, or buy more"
	case r.Month && e.Renewed.IsZero():
		return "does not renew in this term: renew it, what is left goes with it, or buy more"
	case r.Month:
		return renewed + ", or buy more"
	case e.Renewed.IsZero():
		return "upgrade or buy more: " + renewed
	case e.Most > 0:
		return "upgrade, have more overage allowed, or wait: " + renewed
	}
	return "upgrade, or wait: " + renewed
}

func on(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return " on " + words.Day(t, zone)
}

// lastDay is that before the midnight at which a term ends.
func lastDay(end time.Time, zone *time.Location) string {
	if end.IsZero() {
		return ""
	}
	return ", its last day was " + words.Day(quota.LastDay(end, zone), zone)
}
