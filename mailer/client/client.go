package client

import (
	"bufio"
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// Client is one connection to a next hop. It is for one goroutine; only Close
// may be called from others.
type Client struct {
	raw      net.Conn // as dialled
	conn     net.Conn // raw, or TLS on it
	tls      *tls.ConnectionState
	times    Timeouts
	hostname string // ours
	ext      Extensions

	in       replyReader
	out      []byte    // commands of the next flight
	waiting  []awaited // replies to it
	accepted []bool    // recipients of the transaction that runs

	helo, oneByOne bool // see Options

	next    *transaction // begun behind the end of the last one; nil: none is
	behind  []byte       // its commands
	prompt  bool         // the end of the last content was answered at once
	steady  bool         // a transaction that was begun so was answered in good order
	chunked bool         // and a BDAT

	opening []exchange // what was said until the first transaction, see dialogue

	reset  bool // the last transaction is still open at the next hop
	count  int
	closed atomic.Bool

	until time.Time    // the end of Timeouts.Reach; zero: content is under way, or no transaction
	phase atomic.Int32 // for Interrupt
	moved atomic.Int64 // when the next hop took content last, in nanoseconds since begun
	begun time.Time
}

// New greets the next hop at the other end of conn, turns to TLS and logs in as
// told by o. Its error is a *ConnError, and conn is closed then. A TLS
// handshake that failed has StageHandshake: where plaintext is allowed, dial
// again with TLSNone.
func New(conn net.Conn, o Options) (*Client, error) {
	o.Timeouts.setDefaults()
	c := &Client{raw: conn, conn: conn, times: o.Timeouts, hostname: o.Hostname, helo: o.Helo, oneByOne: o.OneByOne, begun: time.Now()}
	c.until = c.begun.Add(c.times.Reach)
	if c.hostname == "" {
		c.hostname = "localhost"
	}
	c.in.br = bufio.NewReaderSize(conn, 4096)
	if err := c.open(&o); err != nil {
		err.Dialogue = c.refusal(err)
		return nil, err
	}
	return c, nil
}

func (c *Client) open(o *Options) *ConnError {
	if o.TLS == TLSImplicit {
		if err := c.handshake(o); err != nil {
			return err
		}
	}
	if err := c.greeting(); err != nil {
		return err
	}
	if err := c.hello(); err != nil {
		return err
	}
	if o.TLS == TLSOpportunistic || o.TLS.demanded() {
		if err := c.startTLS(o); err != nil {
			return err
		}
	}
	if o.Auth != nil {
		return c.auth(o.Auth)
	}
	return nil
}

// Extensions are what the next hop offers.
func (c *Client) Extensions() Extensions { return c.ext }

// TLSName is version and cipher, for logs and traces; "" for plaintext.
func (c *Client) TLSName() string {
	if c.tls == nil {
		return ""
	}
	return strings.ReplaceAll(tls.VersionName(c.tls.Version), " ", "") + " " + tls.CipherSuiteName(c.tls.CipherSuite)
}

// TLS is the state of the connection's TLS; nil for plaintext.
func (c *Client) TLS() *tls.ConnectionState { return c.tls }

// Transactions counts those for which MAIL was said.
func (c *Client) Transactions() int { return c.count }

// Usable reports whether Deliver may be called (again).
func (c *Client) Usable() bool { return !c.closed.Load() }

// Quit says QUIT, waits a moment for the reply, and closes.
func (c *Client) Quit() error {
	if !c.Usable() {
		return nil
	}
	if c.next != nil {
		return c.Close() // the next hop may wait for content
	}
	deadline := time.Now().Add(c.times.Quit)
	if err := c.raw.SetDeadline(deadline); err == nil {
		if _, err := c.conn.Write([]byte("QUIT\r\n")); err == nil {
			_, _ = c.in.read(false, nil) // whatever it says
		}
	}
	return c.Close() // without close_notify: after 221 nothing can be cut off
}

// Close closes the connection at once. What another goroutine is doing on it
// ends with an error.
func (c *Client) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.raw.Close()
}

// fail closes the connection and says why.
func (c *Client) fail(st Stage, r Reply, err error) *ConnError {
	_ = c.Close()
	if c.phase.Load() == phaseStopped {
		r, err = Reply{}, ErrInterrupted
	}
	return &ConnError{Stage: st, Reply: r, Err: err, Secure: c.tls != nil}
}
