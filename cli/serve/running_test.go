package serve

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/place"
	"relay/store"
)

// soon is how long a test waits for what should happen at once, on any machine.
const soon = 5 * time.Minute

// runConfig leaves mail in the queue: nobody listens at its smarthost.
const runConfig = `
hostname = "relay.test"
[[listen]]
addr = "127.0.0.1:0"
tls = "starttls"
[delivery]
smarthost = "127.0.0.1:1"
`

// logText is what a relay has logged so far.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logText) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logText) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// running is a relay that runs in the test, under a service manager.
type running struct {
	dir     place.Dir
	file    string // its configuration
	log     *logText
	signals chan os.Signal
	hangups chan os.Signal
	ended   chan error
}

func run(t *testing.T, sup *supervision, watchdog time.Duration, more ...string) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "relay") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &running{dir: place.Dir(dir), file: filepath.Join(dir, "relay.toml"), log: &logText{},
		signals: make(chan os.Signal, 1), hangups: make(chan os.Signal, 1), ended: make(chan error, 1)}
	s.writeConfig(t, runConfig+strings.Join(more, ""))
	read := func() (config.Config, error) { return config.Load(s.file, func(string) string { return "" }) }
	cfg, err := read()
	if err != nil {
		t.Fatal(err)
	}
	m := Machine{Stderr: s.log, Getenv: func(string) string { return "" }, Listen: net.Listen,
		Supervisor: Supervisor{Notify: sup.notify, Watchdog: watchdog}}
	r, err := New(m, cfg, s.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.Hangups, r.Reread = s.hangups, read
	go func() { s.ended <- r.Run(t.Context(), s.signals, func(*store.Store) {}) }()
	return s
}

func (s *running) writeConfig(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// stop sends SIGTERM, after which it must end without an error.
func (s *running) stop(t *testing.T) {
	t.Helper()
	s.signals <- syscall.SIGTERM
	select {
	case err := <-s.ended:
		if err != nil {
			t.Fatalf("%v\n%s", err, s.log)
		}
	case <-time.After(soon):
		t.Fatalf("it does not end:\n%s", s.log)
	}
}

func mustMatch(t *testing.T, what, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s does not match %q:\n%s", what, pattern, text)
	}
}
