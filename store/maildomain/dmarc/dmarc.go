// Package dmarc finds the DMARC record that holds for a domain, and reads what it asks of
// receivers (RFC 9989). It keeps nothing and knows no DNS: the caller looks names up.
package dmarc

import (
	"context"
	"strings"
)

// Texts looks up the TXT records of a name. A name without any is no error.
type Texts func(ctx context.Context, name string) ([]string, error)

// Policy is a DMARC record (RFC 9989 §4.7).
type Policy struct {
	At   string // domain that has it
	Tags map[string]string
}

// Parse parses a TXT record; false: it is not a DMARC record. It ignores unknown tags
// and those that RFC 9989 removed, such as pct.
func Parse(text string) (Policy, bool) {
	p := Policy{Tags: map[string]string{}}
	for i, tag := range strings.Split(text, ";") {
		name, value, found := strings.Cut(tag, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if i == 0 && (name != "v" || value != "DMARC1") {
			return p, false
		}
		if _, twice := p.Tags[name]; found && !twice {
			p.Tags[name] = value
		}
	}
	return p, true
}

// Tag returns the value of a tag in lower case.
func (p *Policy) Tag(name string) string { return strings.ToLower(p.Tags[name]) }

// IsPolicy reports whether a value is none, quarantine or reject.
func IsPolicy(v string) bool { return v == "none" || v == "quarantine" || v == "reject" }

// Handling returns what receivers are asked to do with mail from a domain when it fails.
// exists: the domain has DNS records. A record without a valid p= asks for reports only.
func (p *Policy) Handling(domain string, exists bool) string {
	order := []string{"p"}
	if domain != p.At {
		order = []string{"sp", "p"}
		if !exists {
			order = []string{"np", "sp", "p"}
		}
	}
	for _, name := range order {
		if v := p.Tag(name); IsPolicy(v) {
			return v
		}
	}
	return "none"
}

// Test reports whether the record has t=y: receivers then apply one step less than the policy.
func (p *Policy) Test() bool { return p.Tag("t") == "y" }

// mostLabels is the longest name that the walk asks after the domain itself (RFC 9989 §4.10).
const mostLabels = 7

// names returns the names that the tree walk asks, the domain itself first.
func names(domain string) []string {
	list := []string{domain}
	labels := strings.Split(domain, ".")
	rest := labels[1:]
	if len(labels) > mostLabels+1 {
		rest = labels[len(labels)-mostLabels:]
	}
	for ; len(rest) > 0; rest = rest[1:] {
		list = append(list, strings.Join(rest, "."))
	}
	return list
}

// Walk finds the record that holds for a domain, and its organizational domain (RFC 9989
// §4.10). nil: there is no record.
func Walk(ctx context.Context, look Texts, domain string) (holds *Policy, organization string, err error) {
	organization = domain
	list := names(domain)
	for i, name := range list {
		p, err := policyAt(ctx, look, name)
		if err != nil {
			return nil, "", err
		}
		if p == nil {
			continue
		}
		switch psd := p.Tag("psd"); {
		case psd == "y" && i > 0: // a registry's: the organization is below it
			if holds == nil {
				holds = p
			}
			return holds, list[i-1], nil
		case holds == nil || holds.At != domain:
			holds = p // the domain's own record, or the organization's, which is found last
		}
		if organization = name; p.Tag("psd") == "n" {
			return holds, name, nil
		}
	}
	return holds, organization, nil
}

// policyAt returns the record at a name; nil: there is none, or several, which count as none.
func policyAt(ctx context.Context, look Texts, name string) (*Policy, error) {
	texts, err := look(ctx, "_dmarc."+name)
	if err != nil {
		return nil, err
	}
	var found *Policy
	for _, text := range texts {
		if p, ok := Parse(text); ok {
			if found != nil {
				return nil, nil
			}
			p.At = name
			found = &p
		}
	}
	return found, nil
}
