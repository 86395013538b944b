// Package spf says whether a host's SPF record lets an address send, and which of its
// terms decides that (RFC 7208).
//
//  1. blitiri.com.ar/go/spf evaluates the record for a message from postmaster at the
//     host, which is the sender of notices with an empty reverse-path (RFC 7208 §2.4).
//  2. The library does not name the term that decided. It is asked again about records
//     that end with the first term, the second, and so on: the first of these records
//     that decides ends with the term.
//  3. The library stops reading at the term that matches. RFC 7208 §4.6 wants a record
//     with a wrong term anywhere refused, so each term is also read on its own.
//
// It keeps nothing. The resolver should remember answers, because 2 repeats questions.
package spf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"blitiri.com.ar/go/spf"

	"relay/mailer/route"
)

// Result of an evaluation (RFC 7208 §2.6).
type Result = spf.Result

const (
	None      = spf.None      // the domain has no record
	Neutral   = spf.Neutral   // the record says nothing about the address
	Pass      = spf.Pass      // the address may send
	Fail      = spf.Fail      // it may not
	SoftFail  = spf.SoftFail  // it should not
	TempError = spf.TempError // the DNS did not answer
	PermError = spf.PermError // the record is wrong
)

// Verdict on one address.
type Verdict struct {
	Result Result
	Term   string // that decided; "": none did
	Err    error  // of TempError and PermError
}

// Resolver asks the DNS, in the ways of route.Resolver.
type Resolver interface {
	route.Resolver
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupPTR(ctx context.Context, a netip.Addr) ([]string, error)
}

// Check evaluates the record of domain for an address.
func Check(ctx context.Context, r Resolver, domain string, addr netip.Addr) Verdict {
	c := &check{domain: domain, addr: addr.Unmap()}
	names := &names{Resolver: r, domain: domain}
	result, err := c.evaluate(ctx, names)
	if result == None {
		return Verdict{Result: result}
	}
	terms := split(names.record)
	if term, err := c.wrong(ctx, terms); err != nil {
		return Verdict{Result: PermError, Err: explain(term, err)}
	}
	v := Verdict{Result: result, Term: c.deciding(ctx, names, terms)}
	if result == TempError || result == PermError {
		return Verdict{Result: result, Err: explain(cmp.Or(v.Term, domain), err)}
	}
	if other, ok := redirect(v.Term); ok {
		v.Term = Check(ctx, r, other, addr).Term
	}
	return v
}

// check of one address against one domain's record.
type check struct {
	domain string
	addr   netip.Addr
}

func (c *check) evaluate(ctx context.Context, r spf.DNSResolver) (Result, error) {
	return spf.CheckHostWithSender(c.addr.AsSlice(), c.domain, "postmaster@"+c.domain, spf.WithContext(ctx), spf.WithResolver(r))
}

// wrong is the first term that cannot be read. No DNS is asked for it.
func (c *check) wrong(ctx context.Context, terms []string) (string, error) {
	for _, term := range terms {
		if result, err := c.evaluate(ctx, &names{Resolver: silence{}, domain: c.domain, instead: "v=spf1 " + term}); result == PermError {
			return term, err
		}
	}
	return "", nil
}

// deciding is the last term of the shortest record that decides.
func (c *check) deciding(ctx context.Context, n *names, terms []string) string {
	for i, term := range terms {
		n.instead = "v=spf1 " + strings.Join(terms[:i+1], " ")
		if result, err := c.evaluate(ctx, n); result != Neutral || err != nil {
			return term
		}
	}
	return ""
}

// split is the record's terms in the order in which they are tried: redirect comes
// last, wherever it stands (RFC 7208 §6.1).
func split(record string) []string {
	words := strings.Fields(record)
	terms := slices.Clone(words[min(len(words), 1):])
	slices.SortStableFunc(terms, func(a, b string) int { return last(a) - last(b) })
	return terms
}

func last(term string) int {
	if name, _, _ := strings.Cut(term, "="); strings.EqualFold(name, "redirect") {
		return 1
	}
	return 0
}

// redirect is the domain of a redirect that needs no macro.
func redirect(term string) (domain string, ok bool) {
	_, domain, _ = strings.Cut(term, "=")
	return domain, last(term) == 1 && !strings.Contains(domain, "%")
}

// words for what the library says of errors that an operator may meet.
var words = map[error]string{
	spf.ErrUnknownField:           "no mechanism of SPF",
	spf.ErrNoResult:               "there is no SPF record",
	spf.ErrMultipleRecords:        "more than one SPF record; only one is allowed",
	spf.ErrLookupLimitReached:     "more than 10 terms that ask the DNS",
	spf.ErrVoidLookupLimitReached: "more than 2 terms find nothing in the DNS",
	spf.ErrTooManyMXRecords:       "more than 10 mail hosts",
}

// explain says where an error is; of a time-out in the DNS it keeps the cause.
func explain(where string, err error) error {
	if failure, ok := errors.AsType[*net.DNSError](err); ok && failure.UnwrapErr != nil {
		return fmt.Errorf("the DNS does not answer: %w", failure.UnwrapErr)
	}
	if text, ok := words[err]; ok {
		return fmt.Errorf("%s: %s", where, text)
	}
	return fmt.Errorf("%s: %w", where, err)
}
