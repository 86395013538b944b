package acme

import (
	"container/list"
	"net"
	"sync"
)

// mostVisitors is how many connections a listener for proofs keeps. An authority needs few,
// each for a moment.
const mostVisitors = 64

// crowd is a listener that ends its oldest connection when there are too many. So those who
// connect and say nothing neither use up what the mail's listeners need nor keep an authority
// out.
type crowd struct {
	net.Listener
	mu   sync.Mutex
	here list.List // of *visitor, the oldest first
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	v := &visitor{Conn: conn, of: c}
	c.mu.Lock()
	v.place = c.here.PushBack(v)
	var oldest *visitor
	if c.here.Len() > mostVisitors {
		oldest = c.here.Front().Value.(*visitor)
	}
	c.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close() // it may have ended meanwhile
	}
	return v, nil
}

// visitor is a connection of a crowd.
type visitor struct {
	net.Conn
	of    *crowd
	place *list.Element
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.of.mu.Lock()
	v.of.here.Remove(v.place) // nothing, the second time
	v.of.mu.Unlock()
	return v.Conn.Close()
}
