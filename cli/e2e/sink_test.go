package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// keepMax is how much of a message's content the sink keeps.
const keepMax = 256 << 10

// The fields of a test message: what it is called, and the SHA-256 of its body.
const (
	idField  = "X-Test-Id"
	sumField = "X-Test-Sum"
)

// delivery is one message that the sink took, for all recipients of one
// transaction.
type delivery struct {
	id      string // X-Test-Id; of a DSN that of the message it is about
	from    string
	to      []string // those that were not refused
	size    int64    // octets of content
	content []byte   // the first keepMax octets of it
	sum     string   // SHA-256 of what follows the relay's Received field
	intact  bool     // the body has the sum that the message says; true where it says none
}

// field of the header.
func (d *delivery) field(name string) string { return headerField(d.content, name) }

// behaviour is what the sink does; nil functions: take everything at once. The
// functions run in the sink's goroutines.
type behaviour struct {
	rcpt func(from, to string) string // the reply to RCPT; "": 250
	data func(d *delivery) string     // the reply to the final dot; "": 250, hangUp: none
	wait func(d *delivery)            // between the final dot and its reply
}

// hangUp makes the sink close the connection after the dot and forget the message.
const hangUp = "hang up"

// later is a next hop that puts everything off.
var later = behaviour{rcpt: func(string, string) string { return "450 4.2.1 not now" }}

// sink is a next hop on loopback that writes down what it takes.
type sink struct {
	t  *testing.T
	ln net.Listener
	wg sync.WaitGroup

	mu      sync.Mutex
	act     behaviour
	conns   map[net.Conn]bool
	taken   []*delivery
	counts  map[receipt]int // how often each recipient got each message
	doubles int             // transactions that brought something again
	notices map[receipt]map[string]bool
	seenDSN map[string]bool // Message-IDs
	refused int             // replies of 4yz and 5yz
	spoilt  []string        // messages that are not what was sent
}

// receipt is a message at a recipient.
type receipt struct{ id, to string }

func newSink(t *testing.T, act behaviour) *sink {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{t: t, ln: ln, act: act, conns: map[net.Conn]bool{}, counts: map[receipt]int{},
		notices: map[receipt]map[string]bool{}, seenDSN: map[string]bool{}}
	s.wg.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

func (s *sink) addr() string { return s.ln.Addr().String() }

// behave changes what the sink does from now on.
func (s *sink) behave(act behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.act = act
}

func (s *sink) behaviour() behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.act
}

func (s *sink) close() {
	_ = s.ln.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *sink) accept() {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			defer func() {
				_ = c.Close()
				s.mu.Lock()
				delete(s.conns, c)
				s.mu.Unlock()
			}()
			h := &hop{s: s, r: bufio.NewReaderSize(c, 64<<10), w: bufio.NewWriter(c)}
			_ = h.serve() // a client that went away is no fault of the sink
		})
	}
}

// record writes a delivery down.
func (s *sink) record(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, d)
	if !d.intact {
		s.spoilt = append(s.spoilt, d.id)
	}
	if d.from == "" {
		s.recordDSN(d)
		return
	}
	double := false
	for _, to := range d.to {
		k := receipt{d.id, to}
		double = double || s.counts[k] > 0
		s.counts[k]++
	}
	if double {
		s.doubles++
	}
}

var finalRecipient = regexp.MustCompile(`(?mi)^Final-Recipient: *rfc822; *(\S+)`)

func (s *sink) recordDSN(d *delivery) {
	messageID := d.field("Message-ID")
	if s.seenDSN[messageID] {
		s.doubles++
	}
	s.seenDSN[messageID] = true
	for _, m := range finalRecipient.FindAllSubmatch(d.content, -1) {
		k := receipt{d.id, string(m[1])}
		if s.notices[k] == nil {
			s.notices[k] = map[string]bool{}
		}
		s.notices[k][messageID] = true
	}
}

// find returns the deliveries of a message, DSNs not among them.
func (s *sink) find(id string) (list []*delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.taken {
		if d.id == id && d.from != "" {
			list = append(list, d)
		}
	}
	return list
}

// came is how often a recipient got a message.
func (s *sink) came(id, to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[receipt{id, to}]
}

// whole wants everything at the sink to be as it was sent.
func (s *sink) whole(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.spoilt {
		t.Errorf("%s is not at the sink as it was sent", id)
	}
}

// total is how many transactions the sink took.
func (s *sink) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

// hop is one connection to the sink.
type hop struct {
	s    *sink
	r    *bufio.Reader
	w    *bufio.Writer
	from string
	to   []string
	mail bool
}

func (h *hop) serve() error {
	h.say("220 sink.test ESMTP")
	for {
		if h.r.Buffered() == 0 {
			if err := h.w.Flush(); err != nil {
				return err
			}
		}
		line, err := h.r.ReadString('\n')
		if err != nil {
			return err
		}
		verb, arg, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			h.say("250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 200000000")
		case "MAIL":
			h.from, h.to, h.mail = path(arg), nil, true
			h.say("250 2.1.0 ok")
		case "RCPT":
			h.rcpt(path(arg))
		case "DATA":
			if err := h.data(); err != nil {
				return err
			}
		case "RSET", "NOOP":
			h.mail = false
			h.say("250 2.0.0 ok")
		case "QUIT":
			h.say("221 2.0.0 bye")
			return h.w.Flush()
		default:
			h.say("500 5.5.1 unknown")
		}
	}
}

func (h *hop) say(reply string) {
	if reply[0] == '4' || reply[0] == '5' {
		h.s.mu.Lock()
		h.s.refused++
		h.s.mu.Unlock()
	}
	_, _ = h.w.WriteString(reply + "\r\n") // Flush tells
}

// path is what stands between < and >.
func path(arg string) string {
	_, arg, _ = strings.Cut(arg, "<")
	arg, _, _ = strings.Cut(arg, ">")
	return arg
}

func (h *hop) rcpt(to string) {
	reply := ""
	if act := h.s.behaviour(); act.rcpt != nil {
		reply = act.rcpt(h.from, to)
	}
	switch {
	case !h.mail:
		h.say("503 5.5.1 MAIL first")
	case reply != "":
		h.say(reply)
	default:
		h.to = append(h.to, to)
		h.say("250 2.1.5 ok")
	}
}

func (h *hop) data() error {
	if len(h.to) == 0 {
		h.say("554 5.5.1 no recipients")
		return nil
	}
	h.say("354 go ahead")
	if err := h.w.Flush(); err != nil {
		return err
	}
	d := &delivery{from: h.from, to: h.to}
	if err := readContent(h.r, d); err != nil {
		return err
	}
	h.mail, h.to = false, nil
	act := h.s.behaviour()
	if act.wait != nil {
		act.wait(d)
	}
	reply := ""
	if act.data != nil {
		reply = act.data(d)
	}
	switch reply {
	case hangUp:
		return io.EOF
	case "":
		h.s.record(d)
		reply = "250 2.0.0 taken"
	}
	h.say(reply)
	return nil
}

// readContent reads up to the final dot.
func readContent(r *bufio.Reader, d *delivery) error {
	whole, body := sha256.New(), sha256.New()
	part := new(parts)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err // also for a line that is longer than any may be
		}
		if string(line) == ".\r\n" {
			break
		}
		if !bytes.HasSuffix(line, []byte("\r\n")) || bytes.IndexByte(line, '\r') != len(line)-2 {
			return fmt.Errorf("bare CR or LF: %.40q", line)
		}
		if line[0] == '.' {
			line = line[1:]
		}
		d.size += int64(len(line))
		if len(d.content) < keepMax {
			d.content = append(d.content, line...)
		}
		part.hash(line, whole, body)
	}
	d.sum = hex.EncodeToString(whole.Sum(nil))
	d.id = headerField(d.content, idField)
	want := headerField(d.content, sumField)
	d.intact = want == "" || want == hex.EncodeToString(body.Sum(nil))
	if d.from == "" {
		d.id, d.intact = returnedField(d.content, idField), true
	}
	return nil
}

// parts tells the parts of a message from each other, line by line.
type parts struct{ past, body bool } // past the Received field; in the body

func (p *parts) hash(line []byte, whole, body hash.Hash) {
	folded := line[0] == ' ' || line[0] == '\t'
	if !p.past && !folded && !bytes.HasPrefix(line, []byte("Received:")) {
		p.past = true
	}
	if p.past {
		_, _ = whole.Write(line)
	}
	if p.body {
		_, _ = body.Write(line)
	}
	p.body = p.body || len(line) == 2
}

// headerField is the value of a field, unfolded.
func headerField(content []byte, name string) string {
	head, _, _ := bytes.Cut(content, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	i := slices.IndexFunc(lines, func(l string) bool {
		return len(l) > len(name) && l[len(name)] == ':' && strings.EqualFold(l[:len(name)], name)
	})
	if i < 0 {
		return ""
	}
	value := lines[i][len(name)+1:]
	for _, l := range lines[i+1:] {
		if l == "" || l[0] != ' ' && l[0] != '\t' {
			break
		}
		value += l
	}
	return strings.TrimSpace(value)
}

// returnedField is a field in the header that a DSN returns.
func returnedField(content []byte, name string) string {
	_, rest, ok := bytes.Cut(content, []byte("\r\n"+name+":"))
	if !ok {
		return ""
	}
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(bytes.TrimSpace(line))
}

// arrived waits for a message and returns its one delivery.
func (s *sink) arrived(id string) *delivery {
	s.t.Helper()
	until(s.t, "message "+id+" arrives", func() bool { return len(s.find(id)) > 0 })
	list := s.find(id)
	if len(list) > 1 {
		s.t.Errorf("message %s arrived %d times", id, len(list))
	}
	return list[0]
}
