package sandbox

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/sandbox/sink"
	"relay/cli/term"
)

// A failed write is reported, and a kept line is not written before the first screen.
func TestFeed_broken(t *testing.T) {
	f := &feed{w: closedWriter{}}
	ended := false
	f.broken = func() { ended = true }
	f.say("kept")
	if ended {
		t.Error("a line that is kept was written")
	}
	f.open()
	f.finish()
	if !ended {
		t.Error("a failed write is not reported")
	}
}

type closedWriter struct{}

func (closedWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Lines that nobody reads are kept, as many as there is room for, and then counted.
func TestFeed_counts(t *testing.T) {
	stuck := &stuckWriter{begun: make(chan struct{}), free: make(chan struct{})}
	f := &feed{w: stuck}
	f.open()
	f.say("first")
	<-stuck.begun
	for range feedMost + 3 {
		f.say("x")
	}
	close(stuck.free)
	f.finish()
	want := "first\n" + strings.Repeat("x\n", feedMost) + "… 3 lines dropped: they came faster than they were read\n"
	if got := stuck.text.String(); got != want {
		t.Errorf("%d octets written, want %d", len(got), len(want))
	}
}

// stuckWriter accepts nothing until it is free.
type stuckWriter struct {
	begun, free chan struct{}
	once        sync.Once
	text        strings.Builder
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.begun) })
	<-w.free
	return w.text.Write(p)
}

// A line of the sink's is a screen wide at most, and harmless, whatever
// strangers write.
func TestSandbox_passing(t *testing.T) {
	s := &sandbox{cfg: config.Config{Timezone: "UTC"}, out: &feed{begun: true}}
	at := time.Date(2026, 11, 30, 23, 58, 1, 0, time.UTC)
	for _, c := range []struct {
		from    string
		to      []string
		subject string
		want    string
	}{
		{"a@b.example", []string{"c@d.example"}, "Hi",
			"23:58:01  a@b.example → c@d.example               12 KB  Hi"},
		{"", []string{"c@d.example", "e@d.example"}, "",
			"23:58:01  <> → c@d.example +1                     12 KB  "},
		{strings.Repeat("f", 60) + "@b.example", []string{"c@d.example"}, "long\x1b[2Jsub\r\nject " + strings.Repeat("x", 80),
			"23:58:01  fffffffffffffffffffff… → c@d.example    12 KB  long\uFFFD[2Jsub\uFFFD ject xxxx…"},
		{strings.Repeat("f", 60), []string{strings.Repeat("ü", 60)}, "Hi",
			"23:58:01  ffffffffffffffff… → üüüüüüüüüüüüüüüü…    12 KB  Hi"},
	} {
		out := &strings.Builder{}
		s.out.w = out
		s.tellTaken(&sink.Message{Time: at, From: c.from, To: c.to, Size: 12_000, Subject: c.subject})
		s.out.finish()
		if got := strings.TrimSuffix(out.String(), "\n"); got != c.want || len([]rune(got)) > term.Columns {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"/tmp/relay-1": "/tmp/relay-1", "/tmp/my dir": "'/tmp/my dir'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "": "''",
	} {
		if got := quoted(in); got != want {
			t.Errorf("quoted(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestSandbox_self(t *testing.T) {
	for name, want := range map[string]string{
		"": "relay", "relay": "relay", "./relay": "./relay", "/home/you/.cache/go-build/ab/cd-d/relay": "go run .",
		"/tmp/go-build123/b001/exe/relay": "go run .", "/opt/my relay/relay": "'/opt/my relay/relay'",
	} {
		s := &sandbox{program: Program{Name: name}}
		if got := s.self(); got != want {
			t.Errorf("called as %q: %s, want %s", name, got, want)
		}
	}
}

// A long TMPDIR leaves no room for a socket's path.
func TestShortDir(t *testing.T) {
	t.Setenv("TMPDIR", "/"+strings.Repeat("x", 100))
	dir, err := shortDir()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(string(dir))
	if filepath.Dir(string(dir)) != "/tmp" {
		t.Errorf("made %s", dir)
	}
	if info, err := os.Stat(string(dir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}
