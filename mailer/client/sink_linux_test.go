package client

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// smtpSink is a next hop of Postfix's, which writes each message to a file of a folder.
func smtpSink(t *testing.T, flags ...string) (address, dir string) {
	t.Helper()
	const program = "/usr/sbin/smtp-sink" // Debian's
	if _, err := os.Stat(program); err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	address = l.Addr().String()
	_ = l.Close()
	dir = t.TempDir()
	if os.Getuid() == 0 { // it insists on another user
		if _, err := user.Lookup("nobody"); err != nil {
			t.Skip(err)
		}
		for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
			_ = os.Chmod(d, 0o777)
		}
		flags = append(flags, "-u", "nobody")
	}
	cmd := exec.Command(program, append(flags, "-d", filepath.Join(dir, "%Y%m%d."), address, "10")...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return address, dir
		}
		select {
		case err := <-ended:
			ended <- err
			t.Skipf("smtp-sink: %v %s", err, said.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Messages in turn go to a next hop of Postfix's as they are.
func TestClient_DeliverBefore_withPostfix(t *testing.T) {
	address, dir := smtpSink(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, conn)
	if !c.Extensions().Pipelining {
		t.Fatalf("%+v", c.Extensions())
	}
	const messages = 40
	var list []*Envelope
	var sent []string
	for i := range messages {
		sent = append(sent, fmt.Sprintf("X-Number: %d.\r\n\r\n", i)+strings.Repeat(".a line\r\n", i*i))
		e := envelope(fmt.Sprintf("a%d@y.example", i), "b@y.example")
		e.Size = int64(len(sent[i]))
		list = append(list, e)
	}
	begun := 0
	for i, e := range list {
		r := c.DeliverBefore(e, strings.NewReader(sent[i]), Ahead{Next: func() *Envelope {
			if begun++; i+1 < messages {
				return list[i+1]
			}
			return nil
		}})
		if r.Err != nil || r.Delivered() != 2 {
			t.Fatalf("message %d: %s", i, outcomes(r))
		}
	}
	if err := c.Quit(); err != nil || begun == 0 {
		t.Errorf("Quit = %v, %d begun", err, begun)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != messages {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), "X-Number: ")
		n := 0
		_, _ = fmt.Sscanf(rest, "%d.", &n)
		want := strings.ReplaceAll(sent[n], "\r\n", "\n")
		if got := "X-Number: " + strings.TrimSuffix(rest, "\n"); got != want && got+"\n" != want {
			t.Errorf("message %d: %d octets arrived, want %d", n, len(got), len(want))
		}
	}
}
