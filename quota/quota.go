// Package quota is the arithmetic of plans: how much an account may send in a
// period and whether one more message fits. It is pure: no I/O, no clock, no
// goroutine; whoever stores the result calls it inside the transaction that
// does so.
//
//  1. A Plan names an allowance: e-mails, bytes, either of them unlimited.
//  2. Terms.PeriodAt says which period an instant belongs to. Usage is stored
//     under the period's key, so the turn of a month needs no reset to be right.
//  3. Decide says whether a Charge fits into what is left. The whole message
//     fits, or none of its recipients does.
//
// Units are decimal: 1 KB is 1,000 bytes. An e-mail is one recipient's copy.
package quota

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Charge is what one message costs, or what several cost together.
type Charge struct {
	Messages int64 `json:"messages"` // e-mails: one for each recipient
	Bytes    int64 `json:"bytes"`    // octets of content as handed over, times recipients (CRLF counted, dots not doubled, RFC 1870 §5)
}

// ErrOverflow reports a charge that cannot be counted in 64 bits.
var ErrOverflow = errors.New("quota: charge too large to count")

// ForMessage is the charge of one message of size octets to recipients
// addresses. It fails with ErrOverflow when the product cannot be counted.
func ForMessage(size int64, recipients int) (Charge, error) {
	n := int64(recipients)
	if size < 0 || n < 0 || (n > 0 && size > math.MaxInt64/n) {
		return Charge{}, ErrOverflow
	}
	return Charge{Messages: n, Bytes: size * n}, nil
}

// Add is the sum of two charges; it stops at the largest number there is, so
// that a sum never turns negative and passes for little.
func (c Charge) Add(d Charge) Charge {
	return Charge{Messages: add(c.Messages, d.Messages), Bytes: add(c.Bytes, d.Bytes)}
}

func add(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// Allowance is what may be used in one period. Zero means no limit.
type Allowance struct {
	Messages int64 `json:"messages"` // e-mails; 0: no limit
	Bytes    int64 `json:"bytes"`    // octets; 0: no limit
}

// Left is what remains of the allowance after used; nil means no limit.
func (a Allowance) Left(used Charge) (messages, bytes *int64) {
	return left(a.Messages, used.Messages), left(a.Bytes, used.Bytes)
}

func left(limit, used int64) *int64 {
	if limit == 0 {
		return nil
	}
	n := max(limit-used, 0)
	return &n
}

// Exceeded says why a message does not fit: what was allowed and used, what
// the message would have cost, and when the allowance is renewed.
type Exceeded struct {
	Allowance Allowance
	Used      Charge
	Asked     Charge
	Renewed   time.Time // UTC, start of the next period; zero: not renewed in this term
}

// Error names the limit that does not hold; the reply's wording is the listener's.
func (e *Exceeded) Error() string {
	if e.OverMessages() {
		return fmt.Sprintf("%d e-mails used of %d, %d more asked for", e.Used.Messages, e.Allowance.Messages, e.Asked.Messages)
	}
	return fmt.Sprintf("%d bytes used of %d, %d more asked for", e.Used.Bytes, e.Allowance.Bytes, e.Asked.Bytes)
}

// OverMessages reports whether it is the number of e-mails that does not fit
// (otherwise only the bytes do not).
func (e *Exceeded) OverMessages() bool {
	return !fits(e.Allowance.Messages, e.Used.Messages, e.Asked.Messages)
}

// Decide says whether asked fits into the allowance of which used is gone:
// nil, or what is exceeded. Renewed is left for the caller, who knows the period.
func Decide(a Allowance, used, asked Charge) *Exceeded {
	if fits(a.Messages, used.Messages, asked.Messages) && fits(a.Bytes, used.Bytes, asked.Bytes) {
		return nil
	}
	return &Exceeded{Allowance: a, Used: used, Asked: asked}
}

// fits avoids the sum, which could overflow.
func fits(limit, used, asked int64) bool {
	return limit == 0 || asked == 0 || (used <= limit && asked <= limit-used)
}
