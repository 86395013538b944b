package smtp

import (
	"errors"

	"relay/smtp/wire"
)

// line takes the next command line out of what was read, without its CRLF. idle:
// another goroutine may interrupt the wait. One that is refused as a whole is a *reply; the
// CRLF that ends it is answered only where the client had to see our refusal before it
// went on.
func (c *Conn) line(idle bool) ([]byte, error) {
	for {
		most := wire.MaxLine
		if c.code == 334 {
			most = maxResponse
		}
		line, err := c.Line(most, idle)
		u, unfit := errors.AsType[*wire.Unfit](err)
		if !unfit {
			return line, err
		}
		if bad := c.unfit(u); !u.Seen || c.bye != nil {
			return nil, bad
		}
	}
}

// unfit is the refusal of a line. Where it may announce a chunk nobody knows what follows,
// and the connection ends.
func (c *Conn) unfit(u *wire.Unfit) *reply {
	switch {
	case wire.IsHTTP(u.Text):
		c.srv.events.notMail(c)
		c.bye = wire.ErrHTTP
	case u.Verb() == "BDAT":
		c.bye = wire.ErrChunkLost
	}
	switch {
	case u.BareLF:
		return wire.ErrBareLF
	case c.code == 334:
		return errResponseLimit
	}
	return wire.ErrLineLimit
}

// refuse answers a line that was not fit to be read, or ends the session where
// there is none. What it returns is for go-smtp.
func (c *Conn) refuse(err error) []byte {
	bad, ours := errors.AsType[*reply](err)
	switch {
	case !ours:
		c.stop(err)
	case bad == wire.ErrEndless:
		c.end(bad)
	case c.code == 334: // go-smtp waits for a response; it takes this for a bad one
		c.say = bad
		return []byte("!\r\n")
	case c.counts():
		c.reply(bad)
	}
	return nil
}
