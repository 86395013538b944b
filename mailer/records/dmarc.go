package records

import (
	"context"
	"errors"
	"strings"

	"relay/mailer/route"
)

// policy is a DMARC record (RFC 9989 §4.7).
type policy struct {
	at   string // domain that has it
	tags map[string]string
}

// parsePolicy parses a TXT record; false: it is not a DMARC record. It ignores unknown tags
// and those that RFC 9989 removed, such as pct.
func parsePolicy(text string) (policy, bool) {
	p := policy{tags: map[string]string{}}
	for i, tag := range strings.Split(text, ";") {
		name, value, found := strings.Cut(tag, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if i == 0 && (name != "v" || value != "DMARC1") {
			return p, false
		}
		if _, twice := p.tags[name]; found && !twice {
			p.tags[name] = value
		}
	}
	return p, true
}

// tag returns the value of a tag in lower case.
func (p *policy) tag(name string) string { return strings.ToLower(p.tags[name]) }

// isPolicy reports whether a value is none, quarantine or reject.
func isPolicy(v string) bool { return v == "none" || v == "quarantine" || v == "reject" }

// handling returns what receivers are asked to do with mail from a domain when it fails.
// exists: the domain has DNS records. A record without a valid p= asks for reports only.
func (p *policy) handling(domain string, exists bool) string {
	order := []string{"p"}
	if domain != p.at {
		order = []string{"sp", "p"}
		if !exists {
			order = []string{"np", "sp", "p"}
		}
	}
	for _, name := range order {
		if v := p.tag(name); isPolicy(v) {
			return v
		}
	}
	return "none"
}

// test reports whether the record has t=y: receivers then apply one step less than the policy.
func (p *policy) test() bool { return p.tag("t") == "y" }

// mostLabels is the longest name that the walk asks after the domain itself (RFC 9989 §4.10).
const mostLabels = 7

// walkNames returns the names that the tree walk asks, the domain itself first.
func walkNames(domain string) []string {
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

// walk finds the record that holds for a domain, and its organizational domain (RFC 9989
// §4.10). nil: there is no record.
func walk(ctx context.Context, n Names, domain string) (holds *policy, organization string, err error) {
	organization = domain
	names := walkNames(domain)
	for i, name := range names {
		p, err := policyAt(ctx, n, name)
		if err != nil {
			return nil, "", err
		}
		if p == nil {
			continue
		}
		switch psd := p.tag("psd"); {
		case psd == "y" && i > 0: // a registry's: the organization is below it
			if holds == nil {
				holds = p
			}
			return holds, names[i-1], nil
		case holds == nil || holds.at != domain:
			holds = p // the domain's own record, or the organization's, which is found last
		}
		if organization = name; p.tag("psd") == "n" {
			return holds, name, nil
		}
	}
	return holds, organization, nil
}

// policyAt returns the record at a name; nil: there is none, or several, which count as none.
func policyAt(ctx context.Context, n Names, name string) (*policy, error) {
	texts, err := n.LookupTXT(ctx, "_dmarc."+name)
	if err != nil && !errors.Is(err, route.ErrNotFound) {
		return nil, err
	}
	var found *policy
	for _, text := range texts {
		if p, ok := parsePolicy(text); ok {
			if found != nil {
				return nil, nil
			}
			p.at = name
			found = &p
		}
	}
	return found, nil
}
