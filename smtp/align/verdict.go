package align

import (
	"strings"

	"relay/store/remark"
)

// Standing is what the DNS says of mail from a domain.
type Standing struct {
	Policy       string // that its DMARC record asks for: none, quarantine or reject; "": it has no record
	Organization string // its organizational domain (RFC 9989 §4.10)
	StrictDKIM   bool   // a signature counts only if it is of the very domain (adkim=s)
	StrictSPF    bool   // likewise (aspf=s)
	SPF          SPF
}

// SPF says whether a domain's record lets relay send.
type SPF uint8

// The three.
const (
	SPFUnknown SPF = iota // mail leaves through another host, whose addresses nobody here knows
	SPFPass
	SPFOther // the record does not name relay, is wrong, or there is none
)

// verdict on a message by what proves the domain of its From field.
type verdict struct {
	kind   string // a kind of remark.Remark; "": it is proved, or that cannot be told
	policy string
}

// signed is who signs a message.
type signed struct {
	own   []string // domains of the signatures that it has
	relay string   // domain with which relay signs it; "": none
}

// judge says whether something proves the domain of a From field. sender is the standing of
// the reverse-path's domain.
func judge(from string, s Standing, by signed, senderDomain string, sender Standing) verdict {
	for _, d := range append(by.own, by.relay) {
		if d != "" && s.aligned(from, d, s.StrictDKIM) {
			return verdict{policy: s.Policy}
		}
	}
	if senderDomain != "" && s.aligned(from, senderDomain, s.StrictSPF) {
		switch sender.SPF {
		case SPFUnknown:
			return verdict{policy: s.Policy}
		case SPFPass:
			return verdict{remark.SPFOnly, s.Policy}
		}
	}
	return verdict{remark.Unsigned, s.Policy}
}

// aligned reports whether a domain that is proved counts for the one in From (RFC 9989
// §4.4): it is the same or, unless strict, of the same organization. Where the other has an
// organization of its own below that one, receivers see a difference that is not seen here.
func (s *Standing) aligned(from, proved string, strict bool) bool {
	if from == proved {
		return true
	}
	if strict {
		return false
	}
	if s.Policy == "" { // the tree walk found no record, so each counts for what is below it
		return below(from, proved) || below(proved, from)
	}
	return below(from, s.Organization) && below(proved, s.Organization)
}

// below reports whether a domain is another one or below it. A top-level domain is
// nobody's.
func below(domain, above string) bool {
	return strings.Contains(above, ".") && (domain == above || strings.HasSuffix(domain, "."+above))
}
