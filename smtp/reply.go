package smtp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"relay/quota"
	"relay/report/words"
	"relay/store"
)

// reply is one line to the client. It is also an error: what a session's method
// returns, or content is refused with, is a row of the table below.
type reply struct {
	code int
	enh  gosmtp.EnhancedCode
	text string
}

// Error makes a reply an error of our own kind.
func (r *reply) Error() string { return fmt.Sprintf("%d %s %s", r.code, r.enhanced(), r.text) }

func (r *reply) enhanced() string {
	return strconv.Itoa(r.enh[0]) + "." + strconv.Itoa(r.enh[1]) + "." + strconv.Itoa(r.enh[2])
}

func (r *reply) appendTo(b []byte) []byte {
	b = strconv.AppendInt(b, int64(r.code), 10)
	b = append(b, ' ')
	b = append(b, r.enhanced()...)
	b = append(b, ' ')
	b = append(b, r.text...)
	return append(b, "\r\n"...)
}

func (r *reply) smtp() *gosmtp.SMTPError {
	return &gosmtp.SMTPError{Code: r.code, EnhancedCode: r.enh, Message: r.text}
}

// with is the same reply with more words.
func (r *reply) with(format string, args ...any) *reply {
	return &reply{r.code, r.enh, r.text + printable(fmt.Sprintf(format, args...))}
}

type enh = gosmtp.EnhancedCode

// Everything that is said to a client. Success that go-smtp words itself is
// worded anew; what is not in the table is 451 4.3.0.
var (
	okMail  = &reply{250, enh{2, 1, 0}, "sender ok"}             // RFC 5321 §4.1.1.2, RFC 3463 X.1.0
	okRcpt  = &reply{250, enh{2, 1, 5}, "recipient ok"}          // RFC 5321 §4.1.1.3, RFC 3463 X.1.5
	okChunk = &reply{250, enh{2, 0, 0}, "chunk taken"}           // RFC 3030 §2
	okNoop  = &reply{250, enh{2, 0, 0}, "ok"}                    // RFC 5321 §4.1.1.9
	okReset = &reply{250, enh{2, 0, 0}, "reset"}                 // RFC 5321 §4.1.1.5
	okAuth  = &reply{235, enh{2, 7, 0}, "logged in"}             // RFC 4954 §6
	okTLS   = &reply{220, enh{2, 0, 0}, "go ahead with TLS"}     // RFC 3207 §4
	okVrfy  = &reply{252, enh{2, 5, 0}, "send mail to find out"} // RFC 5321 §7.3
	okQuit  = &reply{221, enh{2, 0, 0}, "bye"}                   // RFC 5321 §4.1.1.10

	errAuthRequired  = &reply{530, enh{5, 7, 0}, "authentication required: log in with AUTH"}                                                // RFC 4954 §6
	errAuthUnsafe    = &reply{530, enh{5, 7, 0}, "authentication required: use STARTTLS, then AUTH"}                                         // RFC 3207 §4, RFC 4954 §6
	errKnownOnly     = &reply{530, enh{5, 7, 0}, "authentication required: this port is for known networks only, log in on a port with TLS"} // RFC 4954 §6
	errEncryptFirst  = &reply{538, enh{5, 7, 11}, "encryption required: use STARTTLS, or a port with TLS, before AUTH"}                      // RFC 4954 §6, RFC 5248
	errLogin         = &reply{535, enh{5, 7, 8}, "wrong user name or password"}                                                              // RFC 4954 §6
	errAuthLocal     = &reply{454, enh{4, 7, 0}, "cannot check the login now: try again later"}                                              // RFC 4954 §6
	errAuthBusy      = &reply{454, enh{4, 7, 0}, "too many logins at once: try again in a minute"}                                           // RFC 4954 §6
	errAuthCancelled = &reply{501, enh{5, 7, 0}, "authentication cancelled"}                                                                 // RFC 4954 §4
	errBase64        = &reply{501, enh{5, 5, 2}, "not base64"}                                                                               // RFC 4954 §4
	errSASL          = &reply{501, enh{5, 5, 2}, "malformed response"}                                                                       // RFC 4954 §4
	errMechanism     = &reply{504, enh{5, 5, 4}, "unknown mechanism: use PLAIN or LOGIN"}                                                    // RFC 4954 §4
	errAgain         = &reply{503, enh{5, 5, 1}, "logged in already"}                                                                        // RFC 4954 §4
	errRequireTLS    = &reply{530, enh{5, 7, 10}, "REQUIRETLS needs TLS on this connection too: use STARTTLS first"}                         // RFC 8689 §2

	errAccount     = &reply{550, enh{5, 7, 1}, ""}                                                                                                  // RFC 5321 §4.2.3, RFC 3463 X.7.1
	errAllowance   = &reply{552, enh{5, 7, 1}, ""}                                                                                                  // RFC 5321 §4.2.3, RFC 3463 X.7.1
	errSender      = &reply{553, enh{5, 7, 1}, "this account may not send from that address: use one of "}                                          // RFC 6409 §6.1
	errTooManyRcpt = &reply{452, enh{4, 5, 3}, "at most "}                                                                                          // RFC 5321 §4.5.3.1.10
	errTooLarge    = &reply{552, enh{5, 3, 4}, "message larger than the maximum: send it in parts, or a link to it"}                                // RFC 1870 §6
	errFull        = &reply{452, enh{4, 3, 1}, "cannot store mail now: try again later"}                                                            // RFC 5321 §4.2.3, RFC 3463 X.3.1
	errStaged      = &reply{452, enh{4, 3, 1}, "too much mail of this account is coming in at once: try again when the other messages are through"} // RFC 5321 §4.2.3, RFC 3463 X.3.1
	errShare       = &reply{452, enh{4, 3, 1}, "little room is left, and this account has most in the queue: try again later"}                      // RFC 5321 §4.2.3, RFC 3463 X.3.1
	errLocal       = &reply{451, enh{4, 3, 0}, "local error: try again later"}                                                                      // RFC 5321 §4.2.3

	errOrder         = &reply{503, enh{5, 5, 1}, "command out of order: "}                           // RFC 5321 §4.1.4
	errUnknown       = &reply{500, enh{5, 5, 1}, "unknown command"}                                  // RFC 5321 §4.2.4
	errSyntax        = &reply{501, enh{5, 5, 2}, "syntax error: "}                                   // RFC 5321 §4.2.2
	errOctets        = &reply{500, enh{5, 5, 2}, "control characters in a command: leave them out"}  // RFC 5321 §4.1.2
	errLineLimit     = &reply{500, enh{5, 5, 2}, "command line too long"}                            // RFC 5321 §4.5.3.1.4
	errResponseLimit = &reply{500, enh{5, 5, 6}, "response too long"}                                // RFC 4954 §6
	errBareLF        = &reply{500, enh{5, 5, 2}, "end lines with CRLF"}                              // RFC 5321 §2.3.8
	errParameter     = &reply{501, enh{5, 5, 4}, "malformed parameter "}                             // RFC 5321 §4.1.2
	errNoParam       = &reply{555, enh{5, 5, 4}, "unknown parameter "}                               // RFC 5321 §4.1.1.11
	errNotHere       = &reply{502, enh{5, 5, 1}, "command not offered"}                              // RFC 5321 §4.2.4
	errPipelined     = &reply{503, enh{5, 5, 1}, "nothing may follow STARTTLS before the handshake"} // RFC 3207 §4

	errUnproved   = &reply{550, enh{5, 7, 1}, ""}                                                             // RFC 3463 X.7.1
	errSenderAddr = &reply{501, enh{5, 1, 7}, "malformed sender address: "}                                   // RFC 5321 §4.1.2, RFC 3463 X.1.7
	errRcptAddr   = &reply{501, enh{5, 1, 3}, "malformed recipient address: "}                                // RFC 5321 §4.1.2, RFC 3463 X.1.3
	errPostmaster = &reply{550, enh{5, 1, 1}, "the recipient needs a domain, such as postmaster@example.org"} // RFC 5321 §4.5.1
	errNeedsUTF8  = &reply{553, enh{5, 6, 7}, "an address beyond ASCII needs the parameter SMTPUTF8 at MAIL"} // RFC 6531 §3.5

	errBareCR     = &reply{550, enh{5, 6, 0}, "bare CR in the message: end lines with CRLF"}                               // RFC 5321 §2.3.8
	errNUL        = &reply{550, enh{5, 6, 0}, "NUL in the message: encode it"}                                             // RFC 5322 §4
	errLongLine   = &reply{550, enh{5, 6, 0}, "a line of the message is longer than 998 octets: encode it"}                // RFC 5322 §2.1.1
	errTwice      = &reply{550, enh{5, 6, 0}, "the header may have one field of this name, and has several that differ: "} // RFC 5322 §3.6
	errNoFrom     = &reply{550, enh{5, 6, 0}, "no From field, and no sender in the envelope to make it of: add one"}       // RFC 6409 §8.1, RFC 5322 §3.6.2
	errHeaderSize = &reply{552, enh{5, 3, 4}, "header of the message too large: shorten it"}                               // RFC 5321 §4.5.3.1
	errLoop       = &reply{554, enh{5, 4, 6}, "too many Received fields: the message is in a loop"}                        // RFC 5321 §6.3
	errCut        = &reply{451, enh{4, 4, 2}, "connection lost in the middle of the message"}                              // RFC 5321 §4.1.1.10
	errSlow       = &reply{421, enh{4, 4, 2}, "no data for too long, closing"}                                             // RFC 5321 §4.5.3.2
	errIdle       = &reply{421, enh{4, 4, 2}, "idle for too long, closing"}                                                // RFC 5321 §4.5.3.2.7
	errDrain      = &reply{421, enh{4, 3, 2}, "shutting down: try again in a minute"}                                      // RFC 5321 §3.8
	errBusy       = &reply{421, enh{4, 7, 0}, "too many connections: try again later"}                                     // RFC 5321 §3.1, RFC 3463 X.7.0
	errBusyAddr   = &reply{421, enh{4, 7, 0}, "too many connections from your address: try again later"}                   // RFC 5321 §3.1
	errBusyAcct   = &reply{421, enh{4, 7, 0}, "too many connections of this account: try again later"}                     // RFC 5321 §3.8
	errBanned     = &reply{421, enh{4, 7, 0}, "too many failed logins from your address: try again in "}                   // RFC 5321 §3.1
	errBannedNet  = &reply{421, enh{4, 7, 0}, "too many failed logins from your network: try again in "}                   // RFC 5321 §3.1
	errLogins     = &reply{421, enh{4, 7, 0}, "too many failed logins: check user name and password"}                      // RFC 4954 §6
	errErrors     = &reply{421, enh{4, 7, 0}, "too many errors, closing: see the replies before this one"}                 // RFC 5321 §3.8
	errEndless    = &reply{421, enh{4, 5, 2}, "command line without an end, closing"}                                      // RFC 5321 §3.8
	errChunkLost  = &reply{421, enh{4, 5, 2}, "the chunk after that line cannot be told from commands, closing"}           // RFC 5321 §3.8
	errHTTP       = &reply{421, enh{4, 7, 0}, "this port takes mail, not HTTP, closing"}                                   // RFC 5321 §3.8
	errNoLogin    = &reply{421, enh{4, 7, 0}, "no login within 60 s and 50 commands, closing"}                             // RFC 5321 §3.8
	errCommands   = &reply{421, enh{4, 7, 0}, "too many commands without a message, closing"}                              // RFC 5321 §3.8
	errLocked     = &reply{454, enh{4, 7, 0}, "too many wrong passwords for this user name: try again in "}                // RFC 4954 §6: programs do not ask for another password at 454
	// 450 leaves the session as it is, for what may go on in a moment; 452 would tell
	// of our lack of room, or at RCPT of a message with too many recipients.
	errTooFast  = &reply{450, enh{4, 7, 1}, "account "}                                                // RFC 5321 §4.2.3 and §4.5.3.1.10, RFC 3463 X.7.1
	errMessages = &reply{421, enh{4, 7, 0}, "enough messages on one connection: go on with a new one"} // RFC 5321 §3.8
)

// replyTo is the only way from an error to the wire. It never returns nil.
func replyTo(err error) *reply {
	if r, ok := errors.AsType[*reply](err); ok {
		return r
	}
	switch {
	case errors.Is(err, store.ErrStaged):
		return errStaged
	case errors.Is(err, store.ErrShare):
		return errShare
	case errors.Is(err, store.ErrFull):
		return errFull
	}
	return errLocal
}

// heldBack says why an account of a reseller may not send. It names no invoice, since
// the reseller's customers have other ones.
var heldBack = map[store.AccountState]string{store.Pending: "not active yet", store.Suspended: "suspended"}

// refusal words what the store says about an account.
func refusal(r *store.Refusal, cfg *Config) *reply {
	switch {
	case r.Exceeded != nil:
		return exceeded(r, cfg.Zone)
	case r.Revoked:
		return errAccount.with("this login was revoked: log in with another one")
	case r.Reseller != "" && r.Reason == "" && (r.State == store.Pending || r.State == store.Suspended):
		return errAccount.with("account %s: %s, ask %s", r.Account, heldBack[r.State], r.Reseller)
	case r.State == store.Pending:
		return errAccount.with("account %s: not active yet, %s", r.Account, toPay(r.Unpaid, cfg, "it waits for its payment", "pay %s to begin"))
	case r.Expired:
		return errAccount.with("account %s: its term has ended%s, renew it to go on", r.Account, lastDay(r.TermEnd, cfg.Zone))
	case r.State == store.Suspended && r.Reason != "":
		return errAccount.with("account %s: suspended: %s", r.Account, r.Reason)
	case r.State == store.Suspended && r.Hold != "":
		return errAccount.with("account %s: suspended, %s", r.Account, toPay(r.Unpaid, cfg, "an invoice is unpaid: pay it to go on", "unpaid: pay %s to go on"))
	case r.State == store.Suspended:
		return errAccount.with("account %s: suspended, ask the operator", r.Account)
	}
	return errAccount.with("account %s: closed", r.Account)
}

// toPay says what is to be paid; none is said where the invoice is not known.
func toPay(i *store.Invoice, cfg *Config, none, text string) string {
	switch {
	case i == nil:
		return none
	case cfg.Invoice == nil:
		return fmt.Sprintf(text, "invoice "+i.Name)
	}
	return fmt.Sprintf(text, cfg.Invoice(i))
}

func exceeded(r *store.Refusal, zone *time.Location) *reply {
	e := r.Exceeded
	used, allowed, asked := words.Octets(e.Used.Bytes), words.Octets(e.Allowance.Bytes), words.Octets(e.Asked.Bytes)
	if e.OverMessages() {
		used, allowed, asked = words.Number(e.Used.Messages), words.Plural(e.Allowance.Messages, "e-mail"), words.Number(e.Asked.Messages)
	}
	return errAllowance.with("plan limit: %s of %s%s used, this message needs %s; %s", used, allowed, besides(e), asked, offer(r, zone))
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
func offer(r *store.Refusal, zone *time.Location) string {
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

// printable keeps a reply one line of ASCII, whatever an operator wrote.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
