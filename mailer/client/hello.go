package client

import (
	"bytes"
	"strconv"
	"strings"
)

// Extensions are what a next hop offered in its last EHLO reply.
type Extensions struct {
	Pipelining   bool  // RFC 2920
	Chunking     bool  // RFC 3030
	EightBitMIME bool  // RFC 6152
	SMTPUTF8     bool  // RFC 6531
	DSN          bool  // RFC 3461
	RequireTLS   bool  // RFC 8689
	StartTLS     bool  // RFC 3207
	Enhanced     bool  // RFC 2034
	SizeOffered  bool  // RFC 1870, with a number or without
	Size         int64 // the largest message; 0: none was said
	Plain, Login bool  // AUTH mechanisms (RFC 4954)
	RcptMax      int   // LIMITS (RFC 9422): recipients in a transaction; 0: none was said
	MailMax      int   // LIMITS: transactions in a connection; 0: none was said
}

// greeting reads the first reply (RFC 5321 §3.1).
func (c *Client) greeting() *ConnError {
	r, err := c.receive(StageGreeting, c.times.Greeting, true, nil)
	if err != nil {
		return err
	}
	c.note(exchange{got: r})
	if r.Code != 220 {
		return c.refused(StageGreeting, r)
	}
	return nil
}

// hello says EHLO, or HELO to those who know nothing else (RFC 5321 §3.2).
func (c *Client) hello() *ConnError {
	c.ext = Extensions{}
	if c.helo {
		return c.oldHello()
	}
	first := true
	r, err := c.command(StageHello, c.times.Hello, "EHLO "+c.hostname, func(line []byte) {
		if !first {
			c.ext.add(string(line))
		}
		first = false
	})
	if err != nil {
		return err
	}
	if r.Permanent() {
		c.ext = Extensions{}
		return c.oldHello()
	}
	if !r.Delivered() {
		return c.refused(StageHello, r)
	}
	if c.oneByOne {
		c.ext.Pipelining, c.ext.Chunking = false, false
	}
	return nil
}

func (c *Client) oldHello() *ConnError {
	r, err := c.command(StageHello, c.times.Hello, "HELO "+c.hostname, nil)
	if err != nil {
		return err
	}
	if !r.Delivered() {
		return c.refused(StageHello, r)
	}
	return nil
}

// refused is a reply that ends the connection before it has served.
func (c *Client) refused(st Stage, r Reply) *ConnError {
	if r.Code < 400 {
		return c.fail(st, Reply{}, ErrProtocol)
	}
	return c.fail(st, r, nil)
}

// add takes a line of an EHLO reply. Keywords are case-blind (RFC 5321 §2.4).
func (x *Extensions) add(line string) {
	line = strings.ReplaceAll(strings.ToUpper(line), "AUTH=", "AUTH ") // an old way to write it
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	args := words[1:]
	switch words[0] {
	case "PIPELINING":
		x.Pipelining = true
	case "CHUNKING":
		x.Chunking = true
	case "8BITMIME":
		x.EightBitMIME = true
	case "SMTPUTF8":
		x.SMTPUTF8 = true
	case "DSN":
		x.DSN = true
	case "REQUIRETLS":
		x.RequireTLS = true
	case "STARTTLS":
		x.StartTLS = true
	case "ENHANCEDSTATUSCODES":
		x.Enhanced = true
	case "SIZE":
		x.SizeOffered = true
		if len(args) > 0 {
			if n, err := strconv.ParseInt(args[0], 10, 64); err == nil && n > 0 {
				x.Size = n
			}
		}
	case "AUTH":
		for _, m := range args {
			x.Plain = x.Plain || m == "PLAIN"
			x.Login = x.Login || m == "LOGIN"
		}
	case "LIMITS":
		for _, limit := range args {
			x.limit(limit)
		}
	}
}

func (x *Extensions) limit(s string) {
	name, value, _ := strings.Cut(s, "=")
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 {
		return
	}
	switch name {
	case "RCPTMAX":
		x.RcptMax = n
	case "MAILMAX":
		x.MailMax = n
	}
}

// String has the extensions as a next hop names them.
func (x *Extensions) String() string {
	var list []string
	for _, e := range []struct {
		has  bool
		name string
	}{{x.Pipelining, "PIPELINING"}, {x.Chunking, "CHUNKING"}, {x.EightBitMIME, "8BITMIME"}, {x.SMTPUTF8, "SMTPUTF8"}, {x.DSN, "DSN"},
		{x.RequireTLS, "REQUIRETLS"}, {x.StartTLS, "STARTTLS"}, {x.Plain || x.Login, "AUTH"}} {
		if e.has {
			list = append(list, e.name)
		}
	}
	if x.SizeOffered {
		list = append(list, "SIZE "+strconv.FormatInt(x.Size, 10))
	}
	if len(list) == 0 {
		return "no extensions"
	}
	return strings.Join(list, ", ")
}

// headerEnd is where the header in b ends; len(b): not in b.
func headerEnd(b []byte) int {
	if i := bytes.Index(b, []byte("\r\n\r\n")); i >= 0 {
		return i
	}
	return len(b)
}
