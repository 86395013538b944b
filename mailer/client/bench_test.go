package client

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
)

// BenchmarkClient_Deliver is one message of 10 KB to a next hop over loopback,
// which does as little as it can.
func BenchmarkClient_Deliver(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Skip(err)
	}
	defer l.Close()
	go sink(l)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	c, err := New(&counting{Conn: conn, b: b}, Options{Hostname: "relay.example", TLS: TLSNone})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	content := []byte("Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 128))
	e := &Envelope{Sender: "sender@x.example", Size: int64(len(content)), Rcpts: []Rcpt{{Address: "recipient@y.example"}}}
	body := bytes.NewReader(content)
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(content)
		if r := c.Deliver(e, body); r.Delivered() != 1 {
			b.Fatalf("Deliver = %+v", r)
		}
	}
}

// counting reports the calls of Read and Write of an operation.
type counting struct {
	net.Conn
	b             *testing.B
	reads, writes int
}

func (c *counting) Read(p []byte) (int, error) { c.reads++; return c.Conn.Read(p) }

func (c *counting) Write(p []byte) (int, error) { c.writes++; return c.Conn.Write(p) }

func (c *counting) Close() error {
	c.b.ReportMetric(float64(c.reads)/float64(c.b.N), "reads/op")
	c.b.ReportMetric(float64(c.writes)/float64(c.b.N), "writes/op")
	return c.Conn.Close()
}

func sink(l net.Listener) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "220 sink\r\n")
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("EHLO")):
			_, _ = io.WriteString(conn, "250-sink\r\n250-PIPELINING\r\n250 SIZE\r\n")
		case bytes.HasPrefix(line, []byte("DATA")):
			_, _ = io.WriteString(conn, "250 ok\r\n250 ok\r\n354 go on\r\n")
			for !bytes.Equal(line, []byte(".\r\n")) {
				if line, err = r.ReadSlice('\n'); err != nil {
					return
				}
			}
			_, _ = io.WriteString(conn, "250 2.0.0 ok: queued as 12345678\r\n")
		}
	}
}
