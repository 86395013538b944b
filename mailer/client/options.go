package client

import (
	"crypto/tls"
	"time"
)

// TLSMode says how a connection turns to TLS.
type TLSMode uint8

const (
	TLSOpportunistic TLSMode = iota // STARTTLS where it is offered; plaintext where not
	TLSNone                         // plaintext
	TLSRequired                     // STARTTLS, or no transaction
	TLSImplicit                     // TLS from the first octet (RFC 8314 §3)
	TLSEncrypted                    // as TLSRequired, whatever the certificate
)

// demanded reports whether there is no transaction without STARTTLS.
func (m TLSMode) demanded() bool { return m == TLSRequired || m == TLSEncrypted }

// Options say how a connection is opened. The zero value greets as
// "localhost" and uses STARTTLS where it is offered, without looking at the
// certificate.
type Options struct {
	Hostname string  // EHLO name; "": localhost
	TLS      TLSMode // see there

	// TLSConfig decides about versions and certificates; it is cloned, never
	// changed. Nil: the certificate is verified with TLSRequired and
	// TLSImplicit, and not with the others.
	TLSConfig  *tls.Config
	ServerName string // name of the next hop, where TLSConfig does not say one

	Helo     bool // HELO, not EHLO: the next hop closes at that
	OneByOne bool // commands are not sent at once even where that is offered: the next hop loses some then

	Auth     *Auth    // login at a smarthost; nil: none
	Timeouts Timeouts // zero fields: RFC 5321 §4.5.3.2
}

// Auth is a login. It is sent with AUTH PLAIN or LOGIN, under TLS only or to a
// loopback address.
type Auth struct {
	Username string
	Password string
}

// Timeouts bound each phase of a session. Zero fields have the defaults of RFC
// 5321 §4.5.3.2.
type Timeouts struct {
	// Reach bounds all phases together, from New, or from MAIL on a connection that
	// was used before, to the reply to DATA; 5 min. Each recipient beyond the first
	// gets 5 s more.
	Reach time.Duration

	Greeting  time.Duration // until the greeting has come; 5 min
	Hello     time.Duration // EHLO, HELO, STARTTLS and RSET; 5 min
	Handshake time.Duration // TLS; 1 min
	Auth      time.Duration // each step; 2 min
	Mail      time.Duration // MAIL; 5 min
	Rcpt      time.Duration // each RCPT; 5 min
	Data      time.Duration // reply to DATA; 2 min
	Block     time.Duration // until the next hop takes a block of content; 3 min
	End       time.Duration // reply to the final dot; 10 min
	Quit      time.Duration // QUIT and its reply; 5 s

	// MinRate is the least number of octets a second, as a mean over the
	// content so far and after the time of one Block; 0: 1,000.
	MinRate int64
}

func (t *Timeouts) setDefaults() {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&t.Reach, 5*time.Minute)
	set(&t.Greeting, 5*time.Minute)
	set(&t.Hello, 5*time.Minute)
	set(&t.Handshake, time.Minute)
	set(&t.Auth, 2*time.Minute)
	set(&t.Mail, 5*time.Minute)
	set(&t.Rcpt, 5*time.Minute)
	set(&t.Data, 2*time.Minute)
	set(&t.Block, 3*time.Minute)
	set(&t.End, 10*time.Minute)
	set(&t.Quit, 5*time.Second)
	if t.MinRate <= 0 {
		t.MinRate = 1000
	}
}
