package client

import (
	"encoding/base64"
	"net"
	"net/netip"
)

// auth logs in with PLAIN (RFC 4616) or LOGIN, never in the clear over a network.
func (c *Client) auth(a *Auth) *ConnError {
	if c.tls == nil && !loopback(c.raw.RemoteAddr()) {
		return c.fail(StageAuth, Reply{}, ErrInsecure)
	}
	var lines []string
	switch b64 := base64.StdEncoding.EncodeToString; {
	case c.ext.Plain:
		secret := b64([]byte("\x00" + a.Username + "\x00" + a.Password))
		lines = []string{"AUTH PLAIN " + secret, secret} // the second for those who overlook the first
	case c.ext.Login:
		lines = []string{"AUTH LOGIN", b64([]byte(a.Username)), b64([]byte(a.Password))}
	default:
		return c.fail(StageAuth, Reply{}, ErrNoAuth)
	}
	for _, line := range lines {
		r, err := c.command(StageAuth, c.times.Auth, line, nil)
		switch {
		case err != nil:
			return err
		case r.Delivered():
			return nil
		case r.Code != 334:
			return c.refused(StageAuth, r)
		}
	}
	return c.fail(StageAuth, Reply{}, ErrProtocol) // asks for ever more
}

func loopback(a net.Addr) bool {
	if a == nil {
		return false
	}
	if a.Network() == "unix" {
		return true
	}
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
