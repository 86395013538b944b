package sink

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a running sink and its reports.
type running struct {
	t       *testing.T
	addr    string
	stop    func()
	mu      sync.Mutex
	taken   []*Message
	refused []*Refusal
}

var moment = time.Date(2026, 11, 30, 23, 58, 0, 0, time.UTC)

func run(t *testing.T, d *Folder) *running {
	t.Helper()
	r := &running{t: t}
	s := New(Config{Folder: d, Now: func() time.Time { return moment },
		Taken:   func(m *Message) { r.mu.Lock(); defer r.mu.Unlock(); r.taken = append(r.taken, m) },
		Refused: func(f *Refusal) { r.mu.Lock(); defer r.mu.Unlock(); r.refused = append(r.refused, f) }})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, ln) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *running) send(content string, from string, to ...string) error {
	return smtp.SendMail(r.addr, nil, from, to, []byte(content))
}

func (r *running) one() *Message {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.taken) != 1 {
		r.t.Fatalf("%d messages were told, want 1", len(r.taken))
	}
	return r.taken[0]
}

func TestSink_tells(t *testing.T) {
	r := run(t, nil)
	content := "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_aus?= Rom\r\n\r\n.dot\r\n" + strings.Repeat("x", 500) + "\r\n"
	if err := r.send(content, "me@a.example", "you@b.example", "her@c.example"); err != nil {
		t.Fatal(err)
	}
	got := r.one()
	want := Message{Time: moment, From: "me@a.example", To: []string{"you@b.example", "her@c.example"},
		Size: int64(len(content)), Subject: "Grüße aus Rom"}
	if fmt.Sprint(*got) != fmt.Sprint(want) {
		t.Errorf("told %+v, want %+v", *got, want)
	}
}

func TestSink_readsNoMoreThanTheHeaderForTheSubject(t *testing.T) {
	r := run(t, nil)
	long := "X-Long: " + strings.Repeat(strings.Repeat("y", 900)+"\r\n ", headMax/900+1) + "\r\nSubject: too far\r\n\r\n"
	if err := r.send(long, "me@a.example", "you@b.example"); err != nil {
		t.Fatal(err)
	}
	if m := r.one(); m.Subject != "" || m.Size != int64(len(long)) {
		t.Errorf("subject %q, size %d of %d", m.Subject, m.Size, len(long))
	}
	s := &start{}
	_, _ = io.Copy(s, bytes.NewReader(make([]byte, 10*headMax)))
	if len(s.text) != headMax {
		t.Errorf("start keeps %d octets, want %d", len(s.text), headMax)
	}
}

// code and text of the reply that an error carries.
func code(err error) string {
	e, ok := err.(*textproto.Error)
	if !ok {
		return fmt.Sprint(err)
	}
	return fmt.Sprint(e.Code, " ", e.Msg)
}

func TestSink_trouble(t *testing.T) {
	r := run(t, nil)
	for _, c := range []struct{ to, want string }{
		{"Bounce-1@b.example", "550 5.1.1 no such user here"},
		{"bounce@b.example", "550 5.1.1 no such user here"},
		{`"bounce me"@b.example`, "550 5.1.1 no such user here"},
		{"defer@b.example", "451 4.2.1 mailbox busy, try again"},
		{"defer@b.example", "451 4.2.1 mailbox busy, try again"},
		{"later@b.example", "451 4.7.1 greylisted, try again"},
		{"later@b.example", "<nil>"},
		{"later@b.example", "451 4.7.1 greylisted, try again"},
		{"nobounce@bounce.example", "<nil>"},
	} {
		if got := code(r.send("Subject: x\r\n\r\n", "me@a.example", c.to)); got != c.want {
			t.Errorf("mail to %s: %s, want %s", c.to, got, c.want)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.refused) != 7 || len(r.taken) != 2 {
		t.Fatalf("told %d refused and %d taken, want 7 and 2", len(r.refused), len(r.taken))
	}
	if f := r.refused[0]; f.Reply != "550 5.1.1 no such user here" || f.From != "me@a.example" || f.To[0] != "Bounce-1@b.example" {
		t.Errorf("told %+v", *f)
	}
}

func TestTrouble_forgets(t *testing.T) {
	var tr trouble
	for i := range maxSeen + 1 {
		tr.first(fmt.Sprint(i), "later@b.example")
	}
	if n := len(tr.seen); n != 1 {
		t.Errorf("%d are remembered, want 1", n)
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "mail")
	d, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(dir, "20261130T235800-0001-.._.._etc_passwd_@b.example.eml")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, d)
	content := "Subject: kept\r\n\r\n.one\r\ntwo\r\n"
	if err := r.send(content, "me@a.example", "../../etc/passwd\x7f@b.example", "you@b.example"); err != nil {
		t.Fatal(err)
	}
	m := r.one()
	if want := strings.Replace(taken, "-0001-", "-0002-", 1); m.File != want {
		t.Errorf("kept as %s, want %s", m.File, want)
	}
	got, err := os.ReadFile(m.File)
	want := "Return-Path: <me@a.example>\r\nX-Envelope-To: ../../etc/passwd\x7f@b.example,\r\n\tyou@b.example\r\n" + content
	if err != nil || string(got) != want {
		t.Errorf("the file holds %q, %v, want %q", got, err, want)
	}
	if info, err := os.Stat(m.File); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, _ := os.ReadFile(taken); string(got) != "mine" {
		t.Errorf("a file that was there holds %q", got)
	}
	if list, _ := os.ReadDir(dir); len(list) != 2 {
		t.Errorf("left over: %v", list)
	}
}

func TestFolder_thatCannotBe(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(plain); err == nil {
		t.Error("a file was taken for a folder")
	}
}

// When the folder disappears, mail gets 451, and the refusal is reported: nothing is lost.
func TestSink_cannotKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	d, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, d)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	got := code(r.send("Subject: x\r\n\r\n", "me@a.example", "you@b.example"))
	if !strings.HasPrefix(got, "451 4.3.0 cannot keep it: ") {
		t.Errorf("reply %s", got)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.taken) != 0 || len(r.refused) != 1 || !strings.HasPrefix(r.refused[0].Reply, "451 4.3.0 cannot keep it: ") {
		t.Errorf("told %d taken, %d refused", len(r.taken), len(r.refused))
	}
}

// The sink closes open connections when it ends.
func TestSink_endsWithOpenConnections(t *testing.T) {
	r := run(t, nil)
	c, err := smtp.Dial(r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Mail("me@a.example"); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if err := c.Noop(); err == nil {
		t.Error("the connection is still open")
	}
}
