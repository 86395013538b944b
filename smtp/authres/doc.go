// Package authres says of a message that came in what a receiver sees: SPF (RFC 7208), DKIM
// (RFC 6376) and DMARC (RFC 9989).
//
//  1. The header section is read into memory, up to a limit, and the From field taken of it.
//  2. SPF is evaluated for the reverse-path, or the client's name if that is null.
//  3. The first signatures are verified while the body streams by.
//  4. DMARC: the record of the author's domain, and whether SPF or a signature that passed
//     has the same organizational domain, as the public suffix list has it.
//
// It keeps nothing and asks the DNS only through Names. Check ends with its context; what the
// DNS did not answer is temporary in the result, and no error.
package authres

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Names asks the DNS. Errors are of type *net.DNSError, and say whether the name is not there
// or the DNS did not answer.
type Names interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Limits of what is looked at.
const (
	maxHeader     = 256 << 10        // octets of the header section; nothing is proven by a longer one
	maxSignatures = 4                // that are verified, from the top
	maxTime       = 20 * time.Second // for all questions together
)

// Envelope is how a message came in.
type Envelope struct {
	Remote netip.Addr // the client; zero: not known
	Helo   string     // what it said in EHLO or HELO
	Sender string     // reverse-path; "": the null one

	// Signs says which domain's signature is added to mail of an author's domain before
	// receivers see it; "": none. nil: the message is as receivers see it.
	Signs func(author string) string
}

// Verdict of a method, in the words of RFC 8601 §2.7.
type Verdict string

// The verdicts.
const (
	None      Verdict = "none"      // no record, or no signature
	Pass      Verdict = "pass"      //
	Fail      Verdict = "fail"      //
	SoftFail  Verdict = "softfail"  // SPF only
	Neutral   Verdict = "neutral"   // SPF: the record says nothing
	TempError Verdict = "temperror" // the DNS did not answer
	PermError Verdict = "permerror" // the record or signature is wrong
	Unknown   Verdict = "unknown"   // SPF: nobody here knows from which address receivers get the message
)

// SPF is what the record of the envelope's domain says of the client's address.
type SPF struct {
	Verdict Verdict
	Domain  string // whose record it is, lower case A-labels; "": there is none to ask
	Reason  string // of an error
}

// Signature is what one DKIM signature proves.
type Signature struct {
	Verdict Verdict
	Domain  string // d=
	Reason  string // why it does not pass
	Added   bool   // it is added before receivers see the message, see Envelope.Signs
}

// DMARC is what the domain of the author gets.
type DMARC struct {
	Verdict      Verdict // none: the domain has no record; see Result.Proven
	Domain       string  // of the From field, lower case A-labels; "": none can be read, or there are several
	At           string  // domain that has the record; "": there is none
	Policy       string  // that holds for the domain: none, quarantine or reject
	DKIM, SPF    bool    // which method passed for a domain that counts
	StrictDKIM   bool    // only the very domain counts
	StrictSPF    bool
	Organization string // organizational domain of Domain
}

// Result of all methods.
type Result struct {
	SPF        SPF
	Signatures []Signature // none: the message has none
	DMARC      DMARC
	From       string   // address of the only author; "": none can be read, or there are several
	To         []string // addresses that To and Cc name, where each stands once
	Proven     bool     // SPF or a signature proves the author's domain, whether or not it has a record
	Temporary  bool     // the DNS did not answer, so a later look may see more
}
