package wire

import (
	"fmt"
	"strconv"

	"relay/store/mailsyntax"
)

// Reply is one line to the client. It is also an error: what a command or content is
// refused with is a row of a table.
type Reply struct {
	Code int
	Enh  [3]int // enhanced code (RFC 3463)
	Text string
}

// Row is a row of such a table.
func Row(code int, enh [3]int, text string) *Reply { return &Reply{code, enh, text} }

// Error makes a reply an error of our own kind.
func (r *Reply) Error() string { return fmt.Sprintf("%d %s %s", r.Code, r.Enhanced(), r.Text) }

// Enhanced is the enhanced code as text.
func (r *Reply) Enhanced() string {
	return strconv.Itoa(r.Enh[0]) + "." + strconv.Itoa(r.Enh[1]) + "." + strconv.Itoa(r.Enh[2])
}

// AppendTo adds the line to b.
func (r *Reply) AppendTo(b []byte) []byte {
	b = strconv.AppendInt(b, int64(r.Code), 10)
	b = append(b, ' ')
	b = append(b, r.Enhanced()...)
	b = append(b, ' ')
	b = append(b, r.Text...)
	return append(b, "\r\n"...)
}

// Refusal is what meters know of a reply of class 4 or 5.
type Refusal struct {
	Code     int
	Enhanced [3]int
}

// Refusal tells whether the reply is one, and which.
func (r *Reply) Refusal() (Refusal, bool) {
	return Refusal{Code: r.Code, Enhanced: r.Enh}, r.Code >= 400
}

// String is the codes as a reply has them: "550 5.7.1", or "500" alone.
func (r Refusal) String() string {
	if r.Enhanced == ([3]int{}) {
		return strconv.Itoa(r.Code)
	}
	return fmt.Sprintf("%d %d.%d.%d", r.Code, r.Enhanced[0], r.Enhanced[1], r.Enhanced[2])
}

// With is the same reply with more words. It stays one line of ASCII, whatever is in them.
func (r *Reply) With(format string, args ...any) *Reply {
	return &Reply{r.Code, r.Enh, r.Text + mailsyntax.ASCII(fmt.Sprintf(format, args...))}
}

// Replies that both listeners have.
var (
	OkMail        = &Reply{250, [3]int{2, 1, 0}, "sender ok"}                                                          // RFC 5321 §4.1.1.2, RFC 3463 X.1.0
	OkRcpt        = &Reply{250, [3]int{2, 1, 5}, "recipient ok"}                                                       // RFC 5321 §4.1.1.3, RFC 3463 X.1.5
	OkChunk       = &Reply{250, [3]int{2, 0, 0}, "chunk taken"}                                                        // RFC 3030 §2
	OkNoop        = &Reply{250, [3]int{2, 0, 0}, "ok"}                                                                 // RFC 5321 §4.1.1.9
	OkReset       = &Reply{250, [3]int{2, 0, 0}, "reset"}                                                              // RFC 5321 §4.1.1.5
	OkTLS         = &Reply{220, [3]int{2, 0, 0}, "go ahead with TLS"}                                                  // RFC 3207 §4
	OkVrfy        = &Reply{252, [3]int{2, 5, 0}, "send mail to find out"}                                              // RFC 5321 §7.3
	OkQuit        = &Reply{221, [3]int{2, 0, 0}, "bye"}                                                                // RFC 5321 §4.1.1.10
	ErrTooLarge   = &Reply{552, [3]int{5, 3, 4}, "message larger than the maximum: send it in parts, or a link to it"} // RFC 1870 §6
	ErrFull       = &Reply{452, [3]int{4, 3, 1}, "cannot store mail now: try again later"}                             // RFC 5321 §4.2.3, RFC 3463 X.3.1
	ErrLocal      = &Reply{451, [3]int{4, 3, 0}, "local error: try again later"}                                       // RFC 5321 §4.2.3
	ErrOrder      = &Reply{503, [3]int{5, 5, 1}, "command out of order: "}                                             // RFC 5321 §4.1.4
	ErrUnknown    = &Reply{500, [3]int{5, 5, 1}, "unknown command"}                                                    // RFC 5321 §4.2.4
	ErrSyntax     = &Reply{501, [3]int{5, 5, 2}, "syntax error: "}                                                     // RFC 5321 §4.2.2
	ErrOctets     = &Reply{500, [3]int{5, 5, 2}, "control characters in a command: leave them out"}                    // RFC 5321 §4.1.2
	ErrLineLimit  = &Reply{500, [3]int{5, 5, 2}, "command line too long"}                                              // RFC 5321 §4.5.3.1.4
	ErrBareLF     = &Reply{500, [3]int{5, 5, 2}, "end lines with CRLF"}                                                // RFC 5321 §2.3.8
	ErrParameter  = &Reply{501, [3]int{5, 5, 4}, "malformed parameter "}                                               // RFC 5321 §4.1.2
	ErrNoParam    = &Reply{555, [3]int{5, 5, 4}, "unknown parameter "}                                                 // RFC 5321 §4.1.1.11
	ErrNotHere    = &Reply{502, [3]int{5, 5, 1}, "command not offered"}                                                // RFC 5321 §4.2.4
	ErrPipelined  = &Reply{503, [3]int{5, 5, 1}, "nothing may follow STARTTLS before the handshake"}                   // RFC 3207 §4
	ErrSenderAddr = &Reply{501, [3]int{5, 1, 7}, "malformed sender address: "}                                         // RFC 5321 §4.1.2, RFC 3463 X.1.7
	ErrPostmaster = Row(550, [3]int{5, 1, 1}, "the recipient needs a domain, such as postmaster@example.org")          // RFC 5321 §4.5.1
	ErrRcptAddr   = &Reply{501, [3]int{5, 1, 3}, "malformed recipient address: "}                                      // RFC 5321 §4.1.2, RFC 3463 X.1.3
	ErrNeedsUTF8  = &Reply{553, [3]int{5, 6, 7}, "an address beyond ASCII needs the parameter SMTPUTF8 at MAIL"}       // RFC 6531 §3.5
	ErrBareCR     = &Reply{550, [3]int{5, 6, 0}, "bare CR in the message: end lines with CRLF"}                        // RFC 5321 §2.3.8
	ErrNUL        = &Reply{550, [3]int{5, 6, 0}, "NUL in the message: encode it"}                                      // RFC 5322 §4
	ErrLongLine   = &Reply{550, [3]int{5, 6, 0}, "a line of the message is longer than 998 octets: encode it"}         // RFC 5322 §2.1.1
	ErrHeaderSize = &Reply{552, [3]int{5, 3, 4}, "header of the message too large: shorten it"}                        // RFC 5321 §4.5.3.1
	ErrLoop       = &Reply{554, [3]int{5, 4, 6}, "too many Received fields: the message is in a loop"}                 // RFC 5321 §6.3
	ErrCut        = &Reply{451, [3]int{4, 4, 2}, "connection lost in the middle of the message"}                       // RFC 5321 §4.1.1.10
	ErrSlow       = &Reply{421, [3]int{4, 4, 2}, "no data for too long, closing"}                                      // RFC 5321 §4.5.3.2
	ErrIdle       = &Reply{421, [3]int{4, 4, 2}, "idle for too long, closing"}                                         // RFC 5321 §4.5.3.2.7
	ErrDrain      = &Reply{421, [3]int{4, 3, 2}, "shutting down: try again in a minute"}                               // RFC 5321 §3.8
	ErrBusy       = &Reply{421, [3]int{4, 7, 0}, "too many connections: try again later"}                              // RFC 5321 §3.1, RFC 3463 X.7.0
	ErrBusyAddr   = &Reply{421, [3]int{4, 7, 0}, "too many connections from your address: try again later"}            // RFC 5321 §3.1
	ErrErrors     = &Reply{421, [3]int{4, 7, 0}, "too many errors, closing: see the replies before this one"}          // RFC 5321 §3.8
	ErrEndless    = &Reply{421, [3]int{4, 5, 2}, "command line without an end, closing"}                               // RFC 5321 §3.8
	ErrChunkLost  = &Reply{421, [3]int{4, 5, 2}, "the chunk after that line cannot be told from commands, closing"}    // RFC 5321 §3.8
	ErrHTTP       = &Reply{421, [3]int{4, 7, 0}, "this port takes mail, not HTTP, closing"}                            // RFC 5321 §3.8
	ErrCommands   = &Reply{421, [3]int{4, 7, 0}, "too many commands without a message, closing"}                       // RFC 5321 §3.8
	ErrMessages   = &Reply{421, [3]int{4, 7, 0}, "enough messages on one connection: go on with a new one"}            // RFC 5321 §3.8
)
