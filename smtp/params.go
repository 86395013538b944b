package smtp

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"relay/store"
)

// mailArgs are what a MAIL command says.
type mailArgs struct {
	from       path
	size       int64 // declared; 0: not
	utf8       bool
	requireTLS bool
	ret        string
	envID      string
}

// rcptArgs are what a RCPT command says.
type rcptArgs struct {
	to     path
	notify store.Notify
	orcpt  string
}

// parseMail reads what follows "MAIL ".
func parseMail(arg string) (a mailArgs, err *reply) {
	rest, ok := cutFold(arg, "FROM:")
	if !ok {
		return a, errSyntax.with("MAIL FROM:<address> expected")
	}
	from, rest, why := parseReversePath(strings.TrimLeft(rest, " \t"))
	if why != "" {
		return a, errSenderAddr.with("%s", why)
	}
	a.from = from
	if err = eachParam(rest, a.set); err != nil {
		return a, err
	}
	if from.utf8 && !a.utf8 {
		return a, errNeedsUTF8
	}
	return a, nil
}

func (a *mailArgs) set(key, value string) *reply {
	bad := false
	switch key {
	case "SIZE": // RFC 1870 §4
		n, err := strconv.ParseUint(value, 10, 63)
		a.size, bad = int64(n), err != nil || len(value) > 20
	case "BODY": // RFC 6152 §3
		bad = !strings.EqualFold(value, "7BIT") && !strings.EqualFold(value, "8BITMIME")
	case "SMTPUTF8": // RFC 6531 §3.4
		a.utf8, bad = true, value != ""
	case "REQUIRETLS": // RFC 8689 §4.1
		a.requireTLS, bad = true, value != ""
	case "RET": // RFC 3461 §4.3
		a.ret = strings.ToUpper(value)
		bad = a.ret != "FULL" && a.ret != "HDRS"
	case "ENVID": // RFC 3461 §4.4
		var ok bool
		a.envID, ok = decodeXtext(value)
		bad = !ok || a.envID == "" || len(a.envID) > 100
	case "AUTH": // RFC 4954 §5: taken, and not passed on, as nobody has a reason to believe it
		_, ok := decodeXtext(value)
		bad = !ok || value == ""
	default:
		return errNoParam.with("%s of MAIL", key)
	}
	if bad {
		return errParameter.with("%s", key)
	}
	return nil
}

// parseRcpt reads what follows "RCPT "; utf8 says whether MAIL had SMTPUTF8.
func parseRcpt(arg string, utf8 bool) (a rcptArgs, err *reply) {
	rest, ok := cutFold(arg, "TO:")
	if !ok {
		return a, errSyntax.with("RCPT TO:<address> expected")
	}
	to, rest, why := parsePath(strings.TrimLeft(rest, " \t"))
	switch {
	case why == noDomain:
		return a, errPostmaster
	case why != "":
		return a, errRcptAddr.with("%s", why)
	case to.addr == "":
		return a, errRcptAddr.with("empty")
	case to.utf8 && !utf8:
		return a, errNeedsUTF8
	}
	a.to = to
	return a, eachParam(rest, a.set)
}

func (a *rcptArgs) set(key, value string) *reply {
	ok := false
	switch key {
	case "NOTIFY": // RFC 3461 §4.1
		a.notify, ok = parseNotify(value)
	case "ORCPT": // RFC 3461 §4.2, RFC 6533 §3
		a.orcpt, ok = parseORCPT(value)
	default:
		return errNoParam.with("%s of RCPT", key)
	}
	if !ok {
		return errParameter.with("%s", key)
	}
	return nil
}

// eachParam calls set for every parameter, each name once, in upper case.
func eachParam(s string, set func(key, value string) *reply) *reply {
	if s != "" && s[0] != ' ' && s[0] != '\t' {
		return errSyntax.with("space expected after the address")
	}
	var seen []string
	for word := range strings.FieldsSeq(s) {
		key, value, _ := strings.Cut(word, "=")
		key = strings.ToUpper(key)
		for _, k := range seen {
			if k == key {
				return errParameter.with("%s: given twice", key)
			}
		}
		seen = append(seen, key)
		if err := set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

func parseNotify(s string) (n store.Notify, ok bool) {
	for word := range strings.SplitSeq(s, ",") {
		var bit store.Notify
		switch strings.ToUpper(word) {
		case "NEVER":
			bit = store.NotifyNever
		case "SUCCESS":
			bit = store.NotifySuccess
		case "FAILURE":
			bit = store.NotifyFailure
		case "DELAY":
			bit = store.NotifyDelay
		}
		if bit == 0 || n&bit != 0 {
			return 0, false
		}
		n |= bit
	}
	return n, n&store.NotifyNever == 0 || n == store.NotifyNever
}

// parseORCPT decodes addr-type ";" xtext; the type comes out in lower case.
func parseORCPT(s string) (string, bool) {
	kind, addr, ok := strings.Cut(s, ";")
	if !ok || !isAtom(kind) || len(s) > 500 {
		return "", false
	}
	kind = strings.ToLower(kind)
	if kind == "utf-8" {
		addr, ok = decodeUnitext(addr)
	} else {
		addr, ok = decodeXtext(addr)
	}
	return kind + ";" + addr, ok && addr != ""
}

func isAtom(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || !isAtext(s[i]) {
			return false
		}
	}
	return s != ""
}

// decodeXtext: RFC 3461 §4; what comes out is printable ASCII.
func decodeXtext(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			if len(s) < i+3 || strings.ToUpper(s[i+1:i+3]) != s[i+1:i+3] {
				return "", false
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			c, i = byte(n), i+2
		} else if c == '=' {
			return "", false
		}
		if c < ' ' || c > '~' {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

// decodeUnitext: utf-8-addr-xtext or utf-8-addr-unitext of RFC 6533 §3; what
// comes out has no control characters.
func decodeUnitext(s string) (string, bool) {
	var b strings.Builder
	for s != "" {
		if in, ok := strings.CutPrefix(s, `\x{`); ok {
			hex, rest, ok := strings.Cut(in, "}")
			n, err := strconv.ParseUint(hex, 16, 21)
			if !ok || err != nil || !utf8.ValidRune(rune(n)) {
				return "", false
			}
			b.WriteRune(rune(n))
			s = rest
			continue
		}
		if strings.IndexByte(`\+=`, s[0]) >= 0 {
			return "", false
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	out := b.String()
	return out, utf8.ValidString(out) && strings.IndexFunc(out, unicode.IsControl) < 0
}
