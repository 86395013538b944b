package mailer

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mx is a next hop for tests: it takes all mail, except where say has another
// word.
type mx struct {
	name  string
	ext   []string    // EHLO keywords; nil: all
	tls   *tls.Config // for STARTTLS
	say   func(x *exchange) string
	loses string        // what it does when more commands come at once: cut, hang; "": takes them
	slow  time.Duration // before each read of content
	mu    sync.Mutex
	conns int
	got   []received
	asked map[string]int // RCPT commands by address
}

// exchange is one command, or a stage that has none: "greeting", "content" (at
// the end of it).
type exchange struct {
	conn, message int // numbers, from 1
	verb, arg     string
	rcpt          int // number of RCPT in the transaction, from 1
	tls           bool
	ahead         bool // commands came behind the end of a content: this one, or that before
}

// received is a message that the hop took.
type received struct {
	conn    int
	from    string
	to      []string
	mail    string   // parameters of MAIL
	params  []string // of each RCPT
	content string
	tls     bool
}

const (
	cut  = "!cut"  // close without a word
	hang = "!hang" // say nothing until the other side goes
)

func (h *mx) extensions() []string {
	if h.ext != nil {
		return h.ext
	}
	return []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "SIZE 50000000"}
}

// word is what say has to say.
func (h *mx) word(x *exchange) string {
	h.mu.Lock()
	say := h.say
	h.mu.Unlock()
	if say == nil {
		return ""
	}
	return say(x)
}

// becomes gives a hop that is at work another say; nil: it takes all.
func (h *mx) becomes(say func(*exchange) string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.say = say
}

func (h *mx) messages() []received {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]received(nil), h.got...)
}

func (h *mx) connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conns
}

func (h *mx) tries(address string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[address]
}

// serve speaks on one connection until it ends.
func (h *mx) serve(conn net.Conn) {
	defer conn.Close()
	h.mu.Lock()
	h.conns++
	s := &mxSession{h: h, conn: conn, n: h.conns}
	h.mu.Unlock()
	s.wire()
	if !s.reply("greeting", "", "220 "+h.name+" ESMTP") {
		return
	}
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return
		}
		verb, arg, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		lost := h.loses != "" && s.r.Buffered() > 0
		if lost {
			_, _ = s.r.Discard(s.r.Buffered())
		}
		if !s.command(strings.ToUpper(verb), arg) || lost && !s.raw(h.loses) {
			return
		}
	}
}

type mxSession struct {
	h       *mx
	conn    net.Conn
	r       *bufio.Reader
	n       int
	message int
	rcpts   int
	cur     received
	secure  bool
	refused bool // MAIL was
	content bool // is being read
	ahead   bool // commands came behind the last one
}

// Read reads content as slowly as the hop does.
func (s *mxSession) Read(p []byte) (int, error) {
	if s.content && s.h.slow > 0 {
		time.Sleep(s.h.slow)
	}
	return s.conn.Read(p)
}

func (s *mxSession) wire() {
	s.r = bufio.NewReaderSize(s, 64<<10)
}

// reply sends the hop's word, or what say has instead; false ends the connection.
func (s *mxSession) reply(verb, arg, text string) bool {
	x := &exchange{conn: s.n, message: s.message, verb: verb, arg: arg, rcpt: s.rcpts, tls: s.secure, ahead: s.ahead}
	if other := s.h.word(x); other != "" {
		text = other
	}
	s.refused = s.refused || verb == "MAIL" && !strings.HasPrefix(text, "250")
	return s.raw(text)
}

func (s *mxSession) command(verb, arg string) bool {
	switch verb {
	case "EHLO", "HELO":
		lines := append([]string{s.h.name}, s.h.extensions()...)
		if s.h.tls != nil && !s.secure {
			lines = append(lines, "STARTTLS")
		}
		for i := range lines {
			sep := "-"
			if i == len(lines)-1 {
				sep = " "
			}
			lines[i] = "250" + sep + lines[i]
		}
		return s.reply(verb, arg, strings.Join(lines, "\r\n"))
	case "STARTTLS":
		if other := s.h.word(&exchange{conn: s.n, verb: verb}); other != "" {
			return s.raw(other)
		}
		if !s.raw("220 go ahead") {
			return false
		}
		way := newEager(s.conn)
		c := tls.Server(way, s.h.tls)
		err := c.Handshake()
		if way.end(); err != nil {
			return false
		}
		s.conn, s.secure = c, true
		s.wire()
		return true
	case "MAIL":
		s.message++
		s.rcpts = 0
		from, params := path(arg)
		s.cur = received{conn: s.n, from: from, mail: params, tls: s.secure}
		s.refused = false
		return s.reply(verb, arg, "250 2.1.0 ok")
	case "RCPT":
		return s.rcpt(arg)
	case "DATA":
		if len(s.cur.to) == 0 {
			return s.reply(verb, arg, "503 5.5.1 no recipient")
		}
		return s.data(arg)
	case "BDAT":
		return s.bdat(arg)
	case "RSET", "NOOP":
		return s.reply(verb, arg, "250 2.0.0 ok")
	case "QUIT":
		s.reply(verb, arg, "221 2.0.0 bye")
		return false
	}
	return s.reply(verb, arg, "500 5.5.1 what?")
}

func (s *mxSession) rcpt(arg string) bool {
	s.rcpts++
	to, params := path(arg)
	s.h.mu.Lock()
	if s.h.asked == nil {
		s.h.asked = map[string]int{}
	}
	s.h.asked[to]++
	s.h.mu.Unlock()
	text := s.h.word(&exchange{conn: s.n, message: s.message, verb: "RCPT", arg: to, rcpt: s.rcpts, tls: s.secure, ahead: s.ahead})
	if text == "" {
		text = "250 2.1.5 ok"
	}
	if s.refused {
		text = "503 5.5.1 no MAIL"
	}
	if strings.HasPrefix(text, "250") {
		s.cur.to = append(s.cur.to, to)
		s.cur.params = append(s.cur.params, params)
	}
	return s.raw(text)
}

// raw sends text as it is, or does what it stands for.
func (s *mxSession) raw(text string) bool {
	switch text {
	case cut:
		return false
	case hang:
		_, _ = io.Copy(io.Discard, s.r)
		return false
	}
	_, err := fmt.Fprintf(s.conn, "%s\r\n", text)
	return err == nil && !strings.HasPrefix(text, "421")
}

func (s *mxSession) data(arg string) bool {
	if !s.reply("DATA", arg, "354 go on") {
		return false
	}
	s.content = true
	defer func() { s.content = false }()
	var b strings.Builder
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	return s.take(b.String())
}

// bdat reads a chunk, which must be the last.
func (s *mxSession) bdat(arg string) bool {
	if other := s.h.word(&exchange{conn: s.n, message: s.message, verb: "BDAT", arg: arg, ahead: s.ahead}); other != "" {
		return s.raw(other) // and takes the chunk for commands
	}
	var size int
	if n, err := fmt.Sscanf(arg, "%d LAST", &size); n != 1 || err != nil {
		return s.raw("501 5.5.4 how?")
	}
	s.content = true
	b := make([]byte, size)
	_, err := io.ReadFull(s.r, b)
	s.content = false
	switch {
	case err != nil:
		return false
	case len(s.cur.to) == 0:
		return s.raw("503 5.5.1 no recipient")
	case !strings.Contains(s.cur.mail, "SIZE="+strconv.Itoa(size)):
		return s.raw("554 5.5.0 SIZE is not that of the chunk")
	}
	return s.take(string(b))
}

// take takes a content, or says what the hop has to say.
func (s *mxSession) take(content string) bool {
	s.cur.content = content
	s.ahead = s.r.Buffered() > 0
	refused := s.h.word(&exchange{conn: s.n, message: s.message, verb: "content", arg: content, tls: s.secure, ahead: s.ahead})
	if refused == "" || strings.HasPrefix(refused, "250") {
		s.h.mu.Lock()
		s.h.got = append(s.h.got, s.cur)
		n := len(s.h.got)
		s.h.mu.Unlock()
		if refused == "" {
			refused = "250 2.0.0 taken as " + strconv.Itoa(n)
		}
	}
	return s.raw(refused)
}

// path takes FROM:<a> params apart.
func path(arg string) (address, params string) {
	_, rest, _ := strings.Cut(arg, "<")
	i := strings.LastIndexByte(rest, '>')
	if i < 0 {
		return rest, ""
	}
	return rest[:i], strings.TrimSpace(rest[i+1:])
}

// eager is a connection that takes what is written while TLS begins at once, as a kernel does.
// Over a plain pipe a client that rejects the certificate before it has read all of the server's
// flight, and the server that writes the rest of it, wait for each other.
type eager struct {
	net.Conn
	out chan []byte // to be written, in this order; nil: TLS has begun
}

func newEager(c net.Conn) *eager {
	e := &eager{c, make(chan []byte, 100)}
	go func(out <-chan []byte) {
		for p := range out {
			_, _ = c.Write(p) // fails when the connection is closed
		}
	}(e.out)
	return e
}

func (e *eager) Write(p []byte) (int, error) {
	if e.out == nil {
		return e.Conn.Write(p)
	}
	e.out <- bytes.Clone(p)
	return len(p), nil
}

// end has what is written from now on wait for a reader.
func (e *eager) end() {
	close(e.out)
	e.out = nil
}
