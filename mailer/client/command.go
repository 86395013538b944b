package client

import (
	"strconv"
	"strings"

	"relay/store/mailsyntax"
)

// appendMail writes MAIL (RFC 5321 §4.1.1.2) with the parameters that the next hop knows.
func appendMail(b []byte, e *Envelope, x *Extensions, sender string, utf8 bool) []byte {
	b = append(b, "MAIL FROM:<"...)
	b = append(append(b, sender...), '>')
	if x.SizeOffered && e.Size > 0 {
		b = strconv.AppendInt(append(b, " SIZE="...), e.Size, 10)
	}
	if x.EightBitMIME && e.EightBit {
		b = append(b, " BODY=8BITMIME"...)
	}
	if x.SMTPUTF8 && utf8 {
		b = append(b, " SMTPUTF8"...)
	}
	if x.RequireTLS && e.RequireTLS {
		b = append(b, " REQUIRETLS"...)
	}
	if x.DSN && (e.Ret == "FULL" || e.Ret == "HDRS") {
		b = append(append(b, " RET="...), e.Ret...)
	}
	if x.DSN && e.EnvID != "" {
		b = mailsyntax.AppendXtext(append(b, " ENVID="...), e.EnvID)
	}
	return append(b, '\r', '\n')
}

// appendRcpt writes RCPT (RFC 5321 §4.1.1.3), with DSN parameters where they are known.
func appendRcpt(b []byte, r *Rcpt, x *Extensions, address string) []byte {
	b = append(b, "RCPT TO:<"...)
	b = append(append(b, address...), '>')
	if x.DSN && r.Notify != 0 {
		b = appendNotify(append(b, " NOTIFY="...), r.Notify)
	}
	if x.DSN && r.ORCPT != "" {
		b = mailsyntax.AppendORCPT(append(b, " ORCPT="...), r.ORCPT)
	}
	return append(b, '\r', '\n')
}

func appendNotify(b []byte, n Notify) []byte {
	if n&NotifyNever != 0 {
		return append(b, "NEVER"...)
	}
	for _, cond := range [...]struct {
		bit  Notify
		name string
	}{{NotifySuccess, "SUCCESS,"}, {NotifyFailure, "FAILURE,"}, {NotifyDelay, "DELAY,"}} {
		if n&cond.bit != 0 {
			b = append(b, cond.name...)
		}
	}
	return b[:len(b)-1]
}

// asciiAddress is an address for a next hop without SMTPUTF8: its local part at
// domain, which is the same one in A-labels. False: there is no such form.
func asciiAddress(a, domain string) (string, bool) {
	if mailsyntax.IsASCII(a) {
		return a, true
	}
	at := strings.LastIndexByte(a, '@')
	if at < 0 || domain == "" || !mailsyntax.IsASCII(a[:at]) {
		return "", false
	}
	a = a[:at+1] + domain
	return a, mailsyntax.IsASCII(a) && mailsyntax.WellFormed(a)
}
