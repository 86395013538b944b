package client

import (
	"crypto/tls"
	"time"
)

// startTLS turns to TLS where it is offered (RFC 3207), and says EHLO again.
func (c *Client) startTLS(o *Options) *ConnError {
	if !c.ext.StartTLS {
		if o.TLS.demanded() {
			return c.fail(StageStartTLS, Reply{}, ErrNoTLS)
		}
		return nil
	}
	r, err := c.command(StageStartTLS, c.times.Hello, "STARTTLS", nil)
	if err != nil {
		return err
	}
	if r.Code != 220 {
		if o.TLS.demanded() || r.Code < 400 {
			return c.refused(StageStartTLS, r)
		}
		return nil // offered, but not now: plaintext goes on (RFC 3207 §4)
	}
	if err := c.handshake(o); err != nil {
		return err
	}
	return c.hello() // what was known before counts no more (RFC 3207 §4.2)
}

func (c *Client) handshake(o *Options) *ConnError {
	conn := tls.Client(c.raw, tlsConfig(o))
	err := c.raw.SetDeadline(c.by(c.times.Handshake))
	if err == nil {
		err = conn.Handshake()
	}
	if err == nil {
		err = c.raw.SetDeadline(time.Time{})
	}
	if err != nil {
		return c.fail(StageHandshake, Reply{}, err)
	}
	state := conn.ConnectionState()
	c.conn, c.tls = conn, &state
	c.note(exchange{said: c.TLSName(), event: true})
	c.in.br.Reset(conn) // plaintext sent behind the STARTTLS reply is dropped
	return nil
}

func tlsConfig(o *Options) *tls.Config {
	var cfg *tls.Config
	if o.TLSConfig != nil {
		cfg = o.TLSConfig.Clone()
	} else {
		cfg = &tls.Config{InsecureSkipVerify: o.TLS == TLSOpportunistic || o.TLS == TLSEncrypted} // RFC 7435: better than plaintext
	}
	if cfg.ServerName == "" {
		cfg.ServerName = o.ServerName
	}
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		cfg.ServerName = "invalid" // no name to verify: no certificate has this one (RFC 2606 §2)
	}
	cfg.DynamicRecordSizingDisabled = true // a message is one record and one write, not eight
	return cfg
}
