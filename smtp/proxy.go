package smtp

import (
	"errors"

	"relay/smtp/wire"
)

// introduce takes the client's address from the PROXY header with which a connection from
// a listed proxy begins. It runs in the connection's own goroutine; false ends the connection
// without a word.
func (c *Conn) introduce() (ok bool) {
	c.proxied = false
	defer c.survive(func() { ok = false })
	client, err := c.Introduce()
	switch {
	case err == nil && client.IsValid():
		c.from(client.Addr())
	case err != nil && !errors.Is(err, wire.ErrGone):
		c.srv.events.proxyBroken(c, err)
	}
	if err != nil || c.away == nil && !c.admit(true) {
		c.Dead, c.Lost = true, true
		return false
	}
	return true
}
