package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// mail is a message that a test sends.
type mail struct {
	id      string
	from    string
	to      []string
	content []byte
}

// messageID as the relay's trace has it.
func (m *mail) messageID() string { return "<" + m.id + "@e2e.test>" }

// filler is text to cut bodies from: lines of many lengths, some of them with a
// dot in front.
var filler = sync.OnceValue(func() []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	for b.Len() < 2<<20 {
		if rng.IntN(10) == 0 {
			b.WriteByte('.')
		}
		for range rng.IntN(120) {
			b.WriteByte(byte(33 + rng.IntN(94)))
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
})

// compose makes a message of about size octets that can be told from all others
// and says what its body must be.
func compose(id, from string, to []string, size int) *mail {
	body := fmt.Appendf(nil, "%s\r\n", id)
	for text := filler(); len(body) < size; {
		body = append(body, text[:min(len(text), size-len(body))]...)
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		body = append(bytes.TrimRight(body, "\r"), "\r\n"...)
	}
	sum := sha256.Sum256(body)
	head := fmt.Sprintf("From: <%s>\r\nTo: undisclosed-recipients:;\r\nSubject: test %s\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n"+
		"Message-ID: <%s@e2e.test>\r\n%s: %s\r\n%s: %s\r\n\r\n", from, id, id, idField, id, sumField, hex.EncodeToString(sum[:]))
	return &mail{id: id, from: from, to: to, content: append([]byte(head), body...)}
}

// stuffed is the content as it goes on the wire, without the final dot.
func stuffed(content []byte) []byte {
	out := bytes.ReplaceAll(content, []byte("\r\n."), []byte("\r\n.."))
	if len(out) > 0 && out[0] == '.' {
		out = append([]byte("."), out...)
	}
	return out
}

// reply of a server; all its lines.
type reply struct {
	code int
	text string
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.code, r.text) }

// submitter is a mail program's connection.
type submitter struct {
	conn net.Conn
	r    *bufio.Reader
}

// dial opens a connection and reads the greeting.
func dial(addr string) (*submitter, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &submitter{conn: conn, r: bufio.NewReader(conn)}
	if err := c.expect(220, ""); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// login opens a connection with STARTTLS and AUTH PLAIN.
func login(addr string, trust *tls.Config, user, password string) (*submitter, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	err = errors.Join(c.expect(250, "EHLO client.test"), c.expect(220, "STARTTLS"))
	if err == nil {
		secure := tls.Client(c.conn, trust)
		c.conn, c.r = secure, bufio.NewReader(secure)
		token := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
		if err = c.expect(250, "EHLO client.test"); err == nil {
			err = c.expect(235, "AUTH PLAIN "+token)
		}
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// known opens a connection to the listener for known networks.
func known(addr string) (*submitter, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	if err := c.expect(250, "EHLO client.test"); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *submitter) close() { _ = c.conn.Close() }

// quit ends the connection in good order.
func (c *submitter) quit() {
	_ = c.expect(221, "QUIT") // the end is the end
	c.close()
}

func (c *submitter) write(p []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.conn.Write(p)
	return err
}

// reply reads one.
func (c *submitter) reply() (r reply, err error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return r, err
	}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return r, err
		}
		line = strings.TrimRight(line, "\r\n")
		if len(line) < 4 {
			return r, fmt.Errorf("reply %q", line)
		}
		if _, err := fmt.Sscanf(line[:3], "%d", &r.code); err != nil {
			return r, fmt.Errorf("reply %q", line)
		}
		r.text += line[4:]
		if line[3] == ' ' {
			return r, nil
		}
		r.text += "\n"
	}
}

// unexpected is a reply that was not hoped for.
type unexpected struct {
	to    string
	reply reply
}

// finalDot is what the reply to the content is to.
const finalDot = "final dot"

func (e *unexpected) Error() string { return fmt.Sprintf("%s: %s", e.to, e.reply) }

// expect sends a line ("" none) and wants that code.
func (c *submitter) expect(code int, line string) error {
	if line != "" {
		if err := c.write([]byte(line + "\r\n")); err != nil {
			return err
		}
	}
	r, err := c.reply()
	if err == nil && r.code != code {
		verb, _, _ := strings.Cut(line, " ")
		err = &unexpected{verb, r}
	}
	return err
}

// envelope sends MAIL, RCPT and DATA, in one flight where the relay need not be
// asked first, and returns the first refusal.
func (c *submitter) envelope(m *mail, pipelined bool) error {
	lines := []string{"MAIL FROM:<" + m.from + ">"}
	for _, to := range m.to {
		lines = append(lines, "RCPT TO:<"+to+">")
	}
	lines = append(lines, "DATA")
	if pipelined {
		if err := c.write([]byte(strings.Join(lines, "\r\n") + "\r\n")); err != nil {
			return err
		}
	}
	for _, line := range lines {
		code := 250
		if line == "DATA" {
			code = 354
		}
		if !pipelined {
			if err := c.write([]byte(line + "\r\n")); err != nil {
				return err
			}
		}
		if err := c.expect(code, ""); err != nil {
			return err
		}
	}
	return nil
}

// fate is what a client knows of a message it sent.
type fate int

const (
	unsent  fate = iota // the final dot was never written, or the relay refused it: it must not be taken
	unknown             // the dot may have reached the relay, its reply did not come: it may be taken
	acked               // 250 after the dot: it is taken
)

// send sends a message. An *unexpected error is a refusal, any other one the end
// of the connection.
func (c *submitter) send(m *mail, pipelined bool) (fate, error) {
	if err := c.envelope(m, pipelined); err != nil {
		return unsent, err
	}
	if err := c.write(stuffed(m.content)); err != nil {
		return unsent, err
	}
	if err := c.write([]byte(".\r\n")); err != nil {
		return unknown, err
	}
	r, err := c.reply()
	switch {
	case err != nil:
		return unknown, err
	case r.code != 250:
		return unsent, &unexpected{finalDot, r}
	}
	return acked, nil
}

// must sends a message that has to be taken.
func (c *submitter) must(t *testing.T, m *mail) {
	t.Helper()
	if _, err := c.send(m, true); err != nil {
		t.Fatalf("send %s: %v", m.id, err)
	}
}

// open is login that must succeed; it is closed with the test.
func (r *relay) open(user, password string) *submitter {
	r.t.Helper()
	c, err := login(r.addr("starttls"), r.trust(), user, password)
	if err != nil {
		r.t.Fatalf("log in as %s: %v", user, err)
	}
	r.t.Cleanup(c.close)
	return c
}
