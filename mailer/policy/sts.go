package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"relay/store/mailsyntax"
	"relay/store/sites"
)

// Modes of a policy of MTA-STS (RFC 8461 §5).
const (
	ModeEnforce = "enforce"
	ModeTesting = "testing"
	ModeNone    = "none"
)

const maxAge = 31_557_600 // seconds; the most that a policy may say (RFC 8461 §3.2)

// recordID is the id in the record of a domain; "": it has none, or more than one (RFC
// 8461 §3.1).
func recordID(texts []string) string {
	id, n := "", 0
	for _, text := range texts {
		rest, ok := strings.CutPrefix(text, "v=STSv1")
		rest = strings.TrimLeft(rest, " \t")
		if !ok || !strings.HasPrefix(rest, ";") {
			continue
		}
		n++
		for field := range strings.SplitSeq(rest, ";") {
			if key, value, _ := strings.Cut(field, "="); strings.TrimSpace(key) == "id" {
				id = strings.TrimSpace(value)
			}
		}
	}
	if n != 1 || len(id) > 32 {
		return ""
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	return id
}

// Parse reads a policy as a domain publishes it (RFC 8461 §3.2). Domain, ID and the
// instants are the caller's.
func Parse(text []byte) (*sites.TLSPolicy, error) {
	p := &sites.TLSPolicy{}
	seen := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			return nil, fmt.Errorf("a line of the policy has no colon: %q", shorten(line))
		}
		if key == "mx" {
			p.MX = append(p.MX, strings.ToLower(strings.TrimSuffix(value, ".")))
		} else if _, twice := seen[key]; !twice {
			seen[key] = value // the first one counts
		}
	}
	if seen["version"] != "STSv1" {
		return nil, errors.New("the policy is not of version STSv1")
	}
	switch p.Mode = seen["mode"]; p.Mode {
	case ModeEnforce, ModeTesting, ModeNone:
	default:
		return nil, fmt.Errorf("the policy has no mode that is known: %q", shorten(p.Mode))
	}
	seconds, err := strconv.ParseUint(seen["max_age"], 10, 63)
	if err != nil {
		return nil, fmt.Errorf("the policy has no max_age: %q", shorten(seen["max_age"]))
	}
	p.MaxAge = int64(min(seconds, maxAge))
	return p, checkMX(p)
}

// maxPatterns is how many mx lines a policy may have.
const maxPatterns = 200

func checkMX(p *sites.TLSPolicy) error {
	if len(p.MX) == 0 && p.Mode != ModeNone {
		return errors.New("the policy names no mx")
	}
	if len(p.MX) > maxPatterns {
		return fmt.Errorf("the policy names %d mx, more than %d", len(p.MX), maxPatterns)
	}
	for _, mx := range p.MX {
		if name := strings.TrimPrefix(mx, "*."); name == "" || strings.ContainsAny(name, "* \t") {
			return fmt.Errorf("the policy has an mx that is no name: %q", shorten(mx))
		}
	}
	return nil
}

// names reports whether a policy names a host: in full, or by a pattern whose asterisk
// stands for one label (RFC 8461 §4.1).
func names(p *sites.TLSPolicy, host string) bool {
	for _, mx := range p.MX {
		if mx == host {
			return true
		}
		if parent, ok := strings.CutPrefix(mx, "*."); ok {
			if label, rest, _ := strings.Cut(host, "."); label != "" && rest == parent {
				return true
			}
		}
	}
	return false
}

// shorten cuts what others wrote for an error.
func shorten(s string) string { return mailsyntax.Shorten(s, 80) }
