// Package spf says whether a domain's SPF record lets an address send (RFC 7208).
//
//  1. The one record "v=spf1 …" among the domain's texts is looked up.
//  2. Its terms are tried from left to right; the first one that matches decides.
//     include and redirect lead to other domains' records.
//  3. Ten terms that ask the DNS, and two that find nothing, are the most; beyond
//     them receivers refuse the record, and so does Check.
//
// It is for an operator who looks at a host's own record: macros, whose value
// depends on each mail, are not expanded, and ptr, which should not be used, is not
// looked up (RFC 7208 §5.5). Where one of them decides the result is Unknown. It
// keeps nothing.
package spf

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relay/mailer/route"
)

// Result of an evaluation (RFC 7208 §2.6).
type Result string

const (
	None      Result = "none"      // the domain has no record
	Neutral   Result = "neutral"   // it says nothing about the address
	Pass      Result = "pass"      // the address may send
	Fail      Result = "fail"      // it may not
	SoftFail  Result = "softfail"  // it should not
	TempError Result = "temperror" // the DNS did not answer
	PermError Result = "permerror" // the record is wrong
	Unknown   Result = "unknown"   // a macro or ptr decides
)

// Verdict is what came out for one address.
type Verdict struct {
	Result Result
	Record string // the domain's own record; "" where it has none, or it was not found
	Term   string // that decided; "": none did
	Err    error  // of TempError, PermError and Unknown
}

// Resolver asks the DNS, in the ways of route.Resolver.
type Resolver interface {
	route.Resolver
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// The most that a check may cost (RFC 7208 §4.6.4).
const (
	maxLookups = 10 // terms that ask the DNS
	maxVoid    = 2  // of them, those that find nothing
	maxMX      = 10 // hosts of one mx term
)

// Check evaluates the record of domain for an address.
func Check(ctx context.Context, r Resolver, domain string, addr netip.Addr) Verdict {
	e := &evaluation{ctx: ctx, resolver: r, addr: addr.Unmap()}
	record, err := e.record(domain)
	switch {
	case err != nil:
		return e.broken("", err)
	case record == "":
		return Verdict{Result: None}
	}
	result, term, err := e.eval(domain, record)
	if err != nil {
		return e.broken(record, err)
	}
	return Verdict{Result: result, Record: record, Term: term}
}

// evaluation of one check; lookups and void count over all its records.
type evaluation struct {
	ctx           context.Context
	resolver      Resolver
	addr          netip.Addr
	lookups, void int
}

var (
	errTemporary = errors.New("the DNS does not answer")
	errUnknown   = errors.New("macros and ptr are not evaluated here")
)

func (e *evaluation) broken(record string, err error) Verdict {
	v := Verdict{Result: PermError, Record: record, Err: err}
	switch {
	case errors.Is(err, errTemporary):
		v.Result = TempError
	case errors.Is(err, errUnknown):
		v.Result = Unknown
	}
	return v
}

// record is the domain's; "" when there is none.
func (e *evaluation) record(domain string) (string, error) {
	texts, err := e.resolver.LookupTXT(e.ctx, domain)
	if err != nil && !errors.Is(err, route.ErrNotFound) {
		return "", fmt.Errorf("%w: %w", errTemporary, err)
	}
	records := slices.DeleteFunc(slices.Clone(texts), func(s string) bool {
		version, _, _ := strings.Cut(s, " ")
		return !strings.EqualFold(version, "v=spf1")
	})
	switch len(records) {
	case 0:
		return "", nil
	case 1:
		return records[0], nil
	}
	return "", fmt.Errorf("%s has %d SPF records; only one is allowed", domain, len(records))
}

// eval tries the terms of a record.
func (e *evaluation) eval(domain, record string) (Result, string, error) {
	terms, redirect, err := parse(record)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", domain, err)
	}
	for i := range terms {
		matched, err := e.match(&terms[i], domain)
		if err != nil {
			return "", "", err
		}
		if matched {
			return terms[i].result, terms[i].text, nil
		}
	}
	if redirect == "" {
		return Neutral, "", nil
	}
	if err := e.count("redirect=" + redirect); err != nil {
		return "", "", err
	}
	return e.other(redirect, "redirect="+redirect)
}

// other evaluates the record of a domain that a term names, which must have one.
func (e *evaluation) other(domain, term string) (Result, string, error) {
	record, err := e.record(domain)
	if err == nil && record == "" {
		err = fmt.Errorf("%s: %s has no SPF record", term, domain)
	}
	if err != nil {
		return "", "", err
	}
	return e.eval(domain, record)
}

// count is called for each term that asks the DNS.
func (e *evaluation) count(term string) error {
	if strings.Contains(term, "%") {
		return fmt.Errorf("%s: %w", term, errUnknown)
	}
	if e.lookups++; e.lookups > maxLookups {
		return fmt.Errorf("%s: more than %d terms that ask the DNS", term, maxLookups)
	}
	return nil
}

func (e *evaluation) match(t *term, domain string) (bool, error) {
	target := domain
	if t.domain != "" {
		target = t.domain
	}
	switch t.name {
	case "all":
		return true, nil
	case "ip4", "ip6":
		return t.net.Contains(e.addr), nil
	}
	if err := e.count(t.text); err != nil {
		return false, err
	}
	switch t.name {
	case "include":
		result, _, err := e.other(target, t.text)
		return result == Pass, err
	case "a":
		return e.hostHas(target, t)
	case "mx":
		return e.mxHas(target, t)
	case "exists":
		addrs, err := e.addrs(target)
		return len(addrs) > 0, err
	}
	return false, fmt.Errorf("%s: %w", t.text, errUnknown) // ptr
}

// addrs of a name; nothing is void.
func (e *evaluation) addrs(host string) ([]netip.Addr, error) {
	addrs, err := e.resolver.LookupAddrs(e.ctx, host)
	if err != nil && !errors.Is(err, route.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", errTemporary, err)
	}
	return addrs, e.empty(host, len(addrs))
}

func (e *evaluation) empty(name string, found int) error {
	if found > 0 {
		return nil
	}
	if e.void++; e.void > maxVoid {
		return fmt.Errorf("%s: more than %d terms find nothing in the DNS", name, maxVoid)
	}
	return nil
}

func (e *evaluation) hostHas(host string, t *term) (bool, error) {
	addrs, err := e.addrs(host)
	return err == nil && slices.ContainsFunc(addrs, func(a netip.Addr) bool { return t.near(a, e.addr) }), err
}

func (e *evaluation) mxHas(domain string, t *term) (bool, error) {
	mxs, err := e.resolver.LookupMX(e.ctx, domain)
	if err != nil && !errors.Is(err, route.ErrNotFound) {
		return false, fmt.Errorf("%w: %w", errTemporary, err)
	}
	if err := e.empty(domain, len(mxs)); err != nil {
		return false, err
	}
	if len(mxs) > maxMX {
		return false, fmt.Errorf("%s: %s has more than %d mail hosts", t.text, domain, maxMX)
	}
	for _, mx := range mxs {
		if mx.Host == "" {
			continue
		}
		if found, err := e.hostHas(mx.Host, t); found || err != nil {
			return found, err
		}
	}
	return false, nil
}
