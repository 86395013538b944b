// Package quota is the arithmetic of plans: how much an account may send, what
// it owes for more, and what is credited to it. It is pure: no I/O, no clock, no
// goroutine; the store calls it inside the transaction that keeps the result.
//
//  1. A Plan names an allowance: e-mails, bytes, either of them unlimited. A
//     Contract is one term of it that an account bought.
//  2. Contracts.At says which contract and period an instant belongs to. Usage
//     is stored under the period's key, so the turn of a month needs no reset to
//     be right. A year's last month and the first of its renewal share one
//     allowance: Plan.In is the plan with the limits of a period.
//  3. Fits says whether a Charge fits into what is left of the allowance and of
//     the credit. The whole message fits, or none of its recipients does.
//  4. ClosePeriod settles a period that is over: allowance, then lots of credit,
//     then overage, which Cover buys the cheapest blocks for.
//  5. Contract.Spent says that a month's term is over because its allowance is used.
//  6. Upgrade, TopUp, BuyBlock and Refund say what an order costs or pays back,
//     or, as a *Refusal, why it is not possible.
//
// Units are decimal: 1 KB is 1,000 bytes. An e-mail is one recipient's copy.
// Money is a whole number of minor units; which currency, the caller knows.
// What is counted stops at the largest number there is; what is priced fails
// with ErrOverflow instead.
package quota

import (
	"errors"
	"math"
)

// Charge is what one message costs, or what several cost together.
type Charge struct {
	Messages int64 `json:"messages"` // e-mails: one for each recipient
	Bytes    int64 `json:"bytes"`    // octets of content as handed over, times recipients (CRLF counted, dots not doubled, RFC 1870 §5)
}

// ErrOverflow reports a charge or a price that cannot be counted in 64 bits.
var ErrOverflow = errors.New("quota: too large to count")

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

// Allowance is what may be used in one period. Zero means no limit, Nothing none at all.
type Allowance struct {
	Messages int64 `json:"messages"` // e-mails; 0: no limit
	Bytes    int64 `json:"bytes"`    // octets; 0: no limit
}
