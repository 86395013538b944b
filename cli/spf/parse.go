package spf

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// term is a mechanism of a record (RFC 7208 §5).
type term struct {
	text   string // as it stands there
	name   string
	result Result // when it matches
	domain string // "": the record's own
	net    netip.Prefix
	bits4  int // of a and mx
	bits6  int
}

// near reports whether b is in the network that the term makes of a.
func (t *term) near(a, b netip.Addr) bool {
	a = a.Unmap()
	bits := t.bits6
	if a.Is4() {
		bits = t.bits4
	}
	p, err := a.Prefix(bits)
	return err == nil && p.Contains(b)
}

var qualifiers = map[byte]Result{'+': Pass, '-': Fail, '~': SoftFail, '?': Neutral}

var modifierRE = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*)=(.*)$`)

// parse reads a whole record: what is wrong anywhere spoils all of it (RFC 7208
// §4.6).
func parse(record string) (terms []term, redirect string, err error) {
	for _, word := range strings.Fields(record)[1:] {
		if m := modifierRE.FindStringSubmatch(word); m != nil {
			if !strings.EqualFold(m[1], "redirect") {
				continue // exp and what is not known (RFC 7208 §6)
			}
			if redirect != "" {
				return nil, "", fmt.Errorf("redirect stands there twice")
			}
			if redirect, err = name(word, m[2]); err != nil {
				return nil, "", err
			}
			continue
		}
		t, err := parseTerm(word)
		if err != nil {
			return nil, "", err
		}
		terms = append(terms, t)
	}
	return terms, redirect, nil
}

func parseTerm(word string) (term, error) {
	t := term{text: word, result: Pass, bits4: 32, bits6: 128}
	rest := word
	if q, ok := qualifiers[rest[0]]; ok {
		t.result, rest = q, rest[1:]
	}
	end := strings.IndexAny(rest, ":/")
	value := ""
	if end >= 0 {
		rest, value = rest[:end], rest[end:]
	}
	t.name = strings.ToLower(rest)
	var err error
	switch t.name {
	case "all":
		if value != "" {
			err = fmt.Errorf("%s: all has no value", word)
		}
	case "ip4", "ip6":
		t.net, err = network(word, strings.TrimPrefix(value, ":"), t.name == "ip6")
	case "include", "exists":
		t.domain, err = name(word, strings.TrimPrefix(value, ":"))
	case "a", "mx":
		err = t.host(value)
	case "ptr":
	default:
		err = fmt.Errorf("%q is no mechanism of SPF", word)
	}
	return t, err
}

var cidrRE = regexp.MustCompile(`^(?::([^/]+))?(?:/(\d{1,3}))?(?://(\d{1,3}))?$`)

// host reads ":domain/24//64", all of it optional.
func (t *term) host(value string) (err error) {
	m := cidrRE.FindStringSubmatch(value)
	if m == nil {
		return fmt.Errorf("%s cannot be read", t.text)
	}
	if m[2] != "" {
		t.bits4, _ = strconv.Atoi(m[2]) // digits
	}
	if m[3] != "" {
		t.bits6, _ = strconv.Atoi(m[3])
	}
	if t.bits4 > 32 || t.bits6 > 128 {
		return fmt.Errorf("%s: there is no network so small", t.text)
	}
	if m[1] != "" {
		t.domain, err = name(t.text, m[1])
	}
	return err
}

func network(word, s string, six bool) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(s); err == nil {
			p, err = a.Prefix(a.BitLen())
		}
	}
	if err != nil || p.Addr().Is6() != six {
		return p, fmt.Errorf("%s: %q is no address or network of that kind", word, s)
	}
	return p.Masked(), nil
}

var nameRE = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// name is a domain that can be asked for, or has a macro in it.
func name(word, s string) (string, error) {
	if strings.Contains(s, "%") {
		return s, nil
	}
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if len(s) > 253 || !nameRE.MatchString(s) {
		return "", fmt.Errorf("%s: %q is no domain", word, s)
	}
	return s, nil
}
