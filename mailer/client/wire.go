package client

import (
	"errors"
	"net"
	"time"
)

// lastWord is how long to wait for a reply after a write has failed: a next hop
// that closes has mostly said why before.
const lastWord = 2 * time.Second

// send writes b, all of it by deadline d from now.
func (c *Client) send(st Stage, d time.Duration, b []byte) *ConnError {
	err := c.raw.SetWriteDeadline(c.by(d))
	if err == nil {
		_, err = c.conn.Write(b)
	}
	if err == nil {
		return nil
	}
	return c.fail(st, c.parting(err), err)
}

// parting is the 421 of a next hop that has closed the connection, if there is one.
func (c *Client) parting(err error) Reply {
	if r := c.farewell(err); r.Code == 421 {
		return r
	}
	return Reply{}
}

// farewell is what the next hop said before a write failed with err; zero: nothing.
func (c *Client) farewell(err error) Reply {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return Reply{} // it sleeps
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(lastWord)) // a dead connection has no need of one
	r, err := c.in.read(true, nil)
	if err != nil {
		return Reply{}
	}
	return r
}

// receive reads one reply, which has to be whole in the time d. A 421 is the
// end of the connection (RFC 5321 §3.8), wherever it comes. The text of a 2yz or
// 3yz is dropped unless full; each is told the text of every line.
func (c *Client) receive(st Stage, d time.Duration, full bool, each func([]byte)) (Reply, *ConnError) {
	_ = c.raw.SetReadDeadline(c.by(d)) // fails on a dead connection only, and what it said is read first
	r, err := c.in.read(full, each)
	if err != nil {
		return Reply{}, c.fail(st, Reply{}, err)
	}
	if r.Code == 421 {
		return r, c.fail(st, r, nil)
	}
	return r, nil
}

// command sends one line and reads its reply.
func (c *Client) command(st Stage, d time.Duration, line string, each func([]byte)) (Reply, *ConnError) {
	c.out = append(append(c.out[:0], line...), '\r', '\n')
	if err := c.send(st, d, c.out); err != nil {
		return Reply{}, err
	}
	r, err := c.receive(st, d, true, each)
	c.note(exchange{said: masked(st, line), got: r})
	return r, err
}
