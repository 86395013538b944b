package cli

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/reach"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/store/testdisk"
)

// TestMain lets the test's own binary prove files, as the relay's does.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == proof.Verb {
		os.Exit(System().Run(context.Background(), os.Args[1:]))
	}
	if err := flag.Set("test.parallel", "6"); err != nil { // most wait for a relay or a program
		panic(err)
	}
	testdisk.Run(m)
}

// soon is how long a test waits for what should happen at once, on any machine.
const soon = 5 * time.Minute

// testConfig leaves mail in the queue: nobody listens at its smarthost, nor at its
// name server.
const testConfig = `
hostname = "relay.test"
timezone = "Europe/Rome"
drain = "10m"
[[listen]]
addr = "127.0.0.1:0"
tls = "starttls"
[[listen]]
addr = "127.0.0.1:0"
tls = "none"
[delivery]
resolver = "127.0.0.1:1"
smarthost = "127.0.0.1:1"
allow_private = true
`

// logBuffer is what a relay said so far.
type logBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{} // closed when it says so
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes.Contains(p, []byte("relay ready")) {
		close(b.ready)
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// served is a relay that runs in this process.
type served struct {
	log     *logBuffer
	signals chan os.Signal
	hangups chan os.Signal
	exit    chan int
	dir     place.Dir
}

type env map[string]string

func (e env) get(name string) string { return e[name] }

// newEnv is a configuration and an empty data directory. The path of a socket
// must not be long, so the test's own directory will not do.
func newEnv(t *testing.T, config string) env {
	t.Helper()
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := env{"RELAY_CONFIG": filepath.Join(dir, "relay.toml"), "RELAY_DATA": filepath.Join(dir, "data")}
	if err := os.WriteFile(e["RELAY_CONFIG"], []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// launch starts relay serve, without waiting for anything.
func launch(getenv func(string) string, changes ...func(*App)) *served {
	s := &served{
		log:     &logBuffer{ready: make(chan struct{})},
		signals: make(chan os.Signal, 2),
		hangups: make(chan os.Signal, 1),
		exit:    make(chan int, 1),
		dir:     place.Dir(getenv("RELAY_DATA")),
	}
	app := &App{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: s.log, Getenv: getenv, Listen: net.Listen,
		Signals: func() (<-chan os.Signal, func()) { return s.signals, func() {} },
		Reloads: func() (<-chan os.Signal, func()) { return s.hangups, func() {} },
	}
	for _, change := range changes {
		change(app)
	}
	go func() { s.exit <- app.Run(context.Background(), []string{"serve"}) }()
	return s
}

// start waits until it is ready; false when it ended instead.
func start(getenv func(string) string, changes ...func(*App)) (*served, bool) {
	s := launch(getenv, changes...)
	select {
	case <-s.log.ready:
		return s, true
	case code := <-s.exit:
		s.exit <- code
		return s, false
	case <-time.After(soon):
		return s, false
	}
}

// stop sends SIGTERM and returns the exit code, -1 when it does not end.
func (s *served) stop() int {
	s.signals <- syscall.SIGTERM
	return s.wait()
}

func (s *served) wait() int {
	select {
	case code := <-s.exit:
		return code
	case <-time.After(soon):
		return -1
	}
}

func serveTest(t *testing.T, e env, changes ...func(*App)) *served {
	t.Helper()
	s, ok := start(e.get, changes...)
	if !ok {
		t.Fatalf("relay serve did not start:\n%s", s.log)
	}
	return s
}

// run runs a command line and returns what it wrote and its exit code.
func (e env) run(stdin string, args ...string) (stdout, stderr string, code int) {
	var out, err bytes.Buffer
	app := &App{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &err, Getenv: e.get, Listen: net.Listen}
	code = app.Run(context.Background(), args)
	return out.String(), err.String(), code
}

// must is run for what has to work.
func (e env) must(t *testing.T, args ...string) string {
	t.Helper()
	out, stderr, code := e.run("", args...)
	if code != exit.Done {
		t.Fatalf("relay %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return out
}

// listener that the relay in dir has with that mode of TLS.
func listener(dir place.Dir, tls string) (string, error) {
	running := reach.Service{Socket: dir.Socket()}
	defer running.Close()
	h, err := host.Health.Call(context.Background(), &running, &act.None{})
	if err != nil {
		return "", err
	}
	for _, l := range h.Listeners {
		if l.TLS == tls {
			return l.Addr, nil
		}
	}
	return "", nil
}

// submit hands a message to the relay in dir, as a known network does.
func submit(dir place.Dir, from string, to ...string) error {
	addr, err := listener(dir, "none")
	if err != nil {
		return err
	}
	text := "Subject: test\r\n\r\nhello\r\n"
	if from == "" {
		text = "From: me@a.io\r\n\r\nhello\r\n" // of the same length: none can be made of the sender
	}
	return smtp.SendMail(addr, nil, from, to, []byte(text))
}

func mustMatch(t *testing.T, what, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("%s does not match %q:\n%s", what, pattern, text)
	}
}
