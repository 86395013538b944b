package smtp

import (
	"bytes"
	"errors"
)

const (
	maxSwallow = 1 << 20 // octets of a line that is too long; beyond them its end is not waited for
	headLength = 64      // octets that are kept of it
)

// line takes the next command line out of what was read, without its CRLF. idle:
// another goroutine may interrupt the wait.
//
// A line ends at CRLF only. One with a bare LF in it, or one that is too long, is
// refused as a whole (a *reply): what follows the LF belongs to the same line and
// is never run. Every LF is answered, since a client that ends its lines so waits
// there. The CRLF that ends such a line is answered only where the client had to
// see our refusal before it went on.
func (c *Conn) line(idle bool) ([]byte, error) {
	for {
		waited := len(c.in) == 0
		text, long, err := c.segment(idle)
		if err != nil {
			return nil, err
		}
		line, whole := bytes.CutSuffix(text, crlfOctets)
		rest := c.tail
		c.tail = !whole
		if whole && !rest && !long {
			return line, nil
		}
		bad := c.unfit(text, !whole || rest)
		if !whole || !rest || waited || c.bye != nil {
			return nil, bad
		}
	}
}

// unfit is the refusal of a line that text is the beginning of, or a later part.
// Where it may announce a chunk nobody knows what follows, and the connection ends.
func (c *Conn) unfit(text []byte, bareLF bool) *reply {
	verb, _ := splitCommand(text[:min(len(text), headLength)])
	switch {
	case isHTTP(text):
		c.srv.events.notMail(c)
		c.bye = errHTTP
	case verb == "BDAT":
		c.bye = errChunkLost
	}
	switch {
	case bareLF:
		return errBareLF
	case c.code == 334:
		return errResponseLimit
	}
	return errLineLimit
}

// segment takes what was read up to the next LF, with it. Of what is too long for
// a line only the beginning and the last octets are left.
func (c *Conn) segment(idle bool) (text []byte, long bool, err error) {
	most := maxLine
	if c.code == 334 {
		most = maxResponse
	}
	looked, thrown := 0, 0
	for {
		if i := bytes.IndexByte(c.in[looked:], '\n'); i >= 0 {
			text = c.in[:looked+i+1]
			c.in = c.in[len(text):]
			return text, thrown > 0 || len(text) > most+len(crlfOctets), nil
		}
		looked = len(c.in)
		if looked > most+1 { // one for the CR
			if thrown += looked - headLength - 1; thrown > maxSwallow {
				return nil, true, errEndless
			}
			c.in[headLength] = c.in[looked-1]
			c.in = c.in[:headLength+1]
			looked = len(c.in)
		}
		if err := c.fill(idle, looked == 0); err != nil {
			return nil, long, err
		}
	}
}

// refuse answers a line that was not fit to be read, or ends the session where
// there is none. What it returns is for go-smtp.
func (c *Conn) refuse(err error) []byte {
	bad, ours := errors.AsType[*reply](err)
	switch {
	case !ours:
		c.stop(err)
	case bad == errEndless:
		c.end(bad)
	case c.code == 334: // go-smtp waits for a response; it takes this for a bad one
		c.say = bad
		return []byte("!\r\n")
	case c.counts():
		c.reply(bad)
	}
	return nil
}

var httpMethods = [][]byte{[]byte("GET "), []byte("POST "), []byte("HEAD "), []byte("PUT "), []byte("OPTIONS "), []byte("CONNECT "),
	[]byte("DELETE "), []byte("TRACE "), []byte("PATCH "), []byte("PRI ")}

var (
	httpVersion = []byte(" HTTP/1.")
	httpHost    = []byte("Host:")
)

// isHTTP reports whether a line that is no command of SMTP is one of an HTTP
// request: somebody has a browser speak to us, with content of his own in it.
func isHTTP(line []byte) bool {
	for _, m := range httpMethods {
		if bytes.HasPrefix(line, m) {
			return true
		}
	}
	return bytes.Contains(line, httpVersion) || len(line) >= len(httpHost) && bytes.EqualFold(line[:len(httpHost)], httpHost)
}
