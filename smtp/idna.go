package smtp

import "golang.org/x/net/idna"

// labels maps as for a look-up (RFC 5891 §5, UTS 46) but leaves underscores;
// what it lets through besides is caught by isDomain.
var labels = idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.VerifyDNSLength(true))

// toASCII turns U-labels into A-labels and checks those that are there.
func toASCII(domain string) (string, error) { return labels.ToASCII(domain) }
