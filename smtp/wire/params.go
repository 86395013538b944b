package wire

import (
	"strconv"
	"strings"

	"relay/store/mailsyntax"
	"relay/store/spooled"
)

// MailArgs are what a MAIL command says.
type MailArgs struct {
	From       mailsyntax.Path
	Size       int64 // declared; 0: not
	SMTPUTF8   bool
	RequireTLS bool
	Ret        string
	EnvID      string
}

// RcptArgs are what a RCPT command says.
type RcptArgs struct {
	To     mailsyntax.Path
	Notify spooled.Notify
	ORCPT  string
}

// ParseMail reads what follows "MAIL ".
func ParseMail(arg string) (a MailArgs, err *Reply) {
	rest, ok := mailsyntax.CutPrefix(arg, "FROM:")
	if !ok {
		return a, ErrSyntax.With("MAIL FROM:<address> expected")
	}
	from, rest, why := mailsyntax.ParseReversePath(strings.TrimLeft(rest, " \t"))
	if why != "" {
		return a, ErrSenderAddr.With("%s", why)
	}
	a.From = from
	if err = eachParam(rest, a.set); err != nil {
		return a, err
	}
	if from.UTF8 && !a.SMTPUTF8 {
		return a, ErrNeedsUTF8
	}
	return a, nil
}

func (a *MailArgs) set(key, value string) *Reply {
	bad := false
	switch key {
	case "SIZE": // RFC 1870 §4
		n, err := strconv.ParseUint(value, 10, 63)
		a.Size, bad = int64(n), err != nil || len(value) > 20
	case "BODY": // RFC 6152 §3
		bad = !strings.EqualFold(value, "7BIT") && !strings.EqualFold(value, "8BITMIME")
	case "SMTPUTF8": // RFC 6531 §3.4
		a.SMTPUTF8, bad = true, value != ""
	case "REQUIRETLS": // RFC 8689 §4.1
		a.RequireTLS, bad = true, value != ""
	case "RET": // RFC 3461 §4.3
		a.Ret = strings.ToUpper(value)
		bad = a.Ret != "FULL" && a.Ret != "HDRS"
	case "ENVID": // RFC 3461 §4.4
		var ok bool
		a.EnvID, ok = mailsyntax.DecodeXtext(value)
		bad = !ok || a.EnvID == "" || len(a.EnvID) > 100
	case "AUTH": // RFC 4954 §5: taken, and not passed on, as nobody has a reason to believe it
		_, ok := mailsyntax.DecodeXtext(value)
		bad = !ok || value == ""
	default:
		return ErrNoParam.With("%s of MAIL", key)
	}
	if bad {
		return ErrParameter.With("%s", key)
	}
	return nil
}

// ParseRcpt reads what follows "RCPT "; utf8 says whether MAIL had SMTPUTF8.
func ParseRcpt(arg string, utf8 bool) (a RcptArgs, err *Reply) {
	rest, ok := mailsyntax.CutPrefix(arg, "TO:")
	if !ok {
		return a, ErrSyntax.With("RCPT TO:<address> expected")
	}
	to, rest, why := mailsyntax.ParsePath(strings.TrimLeft(rest, " \t"))
	switch {
	case why == mailsyntax.NoDomain:
		return a, ErrPostmaster
	case why != "":
		return a, ErrRcptAddr.With("%s", why)
	case to.Addr == "":
		return a, ErrRcptAddr.With("empty")
	case to.UTF8 && !utf8:
		return a, ErrNeedsUTF8
	}
	a.To = to
	return a, eachParam(rest, a.set)
}

func (a *RcptArgs) set(key, value string) *Reply {
	ok := false
	switch key {
	case "NOTIFY": // RFC 3461 §4.1
		a.Notify, ok = parseNotify(value)
	case "ORCPT": // RFC 3461 §4.2, RFC 6533 §3
		a.ORCPT, ok = mailsyntax.ParseORCPT(value)
	default:
		return ErrNoParam.With("%s of RCPT", key)
	}
	if !ok {
		return ErrParameter.With("%s", key)
	}
	return nil
}

// eachParam calls set for every parameter, each name once, in upper case.
func eachParam(s string, set func(key, value string) *Reply) *Reply {
	if s != "" && s[0] != ' ' && s[0] != '\t' {
		return ErrSyntax.With("space expected after the address")
	}
	var seen []string
	for word := range strings.FieldsSeq(s) {
		key, value, _ := strings.Cut(word, "=")
		key = strings.ToUpper(key)
		for _, k := range seen {
			if k == key {
				return ErrParameter.With("%s: given twice", key)
			}
		}
		seen = append(seen, key)
		if err := set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func parseNotify(s string) (n spooled.Notify, ok bool) {
	for word := range strings.SplitSeq(s, ",") {
		var bit spooled.Notify
		switch strings.ToUpper(word) {
		case "NEVER":
			bit = spooled.NotifyNever
		case "SUCCESS":
			bit = spooled.NotifySuccess
		case "FAILURE":
			bit = spooled.NotifyFailure
		case "DELAY":
			bit = spooled.NotifyDelay
		}
		if bit == 0 || n&bit != 0 {
			return 0, false
		}
		n |= bit
	}
	return n, n&spooled.NotifyNever == 0 || n == spooled.NotifyNever
}
