package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "relay/cli" // a change of the program makes these tests run again
)

var (
	killsFlag   = flag.Int("kills", 8, "how many times the tests that kill do so")
	backlogFlag = flag.Int("backlog", 8_000, "messages in the queue of the backlog test")
	storeFlag   = flag.Int("store", 30, "megabytes in the store of the test that backs one up under steady mail")
	pauseFlag   = flag.Duration("pause", patience, "the longest that a message may wait for its reply during that backup")
	idleFlag    = flag.Duration("idle", time.Second, "how long that test measures without a backup")
	seedFlag    = flag.Uint64("seed", 0, "of what is random; 0: another one each time")
)

// binary is the relay under test, built once.
var binary string

func TestMain(m *testing.M) {
	manyAtATime()
	flag.Parse()
	defaultSignals()
	code, err := build(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// manyAtATime runs more tests at a time than there are processors, where the flag does
// not say otherwise: most wait for a relay, a disk or a client. Those that measure are
// not among them.
func manyAtATime() {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
}

// defaultSignals lets the processes that tests start have the signals' default
// actions, also where these tests run under nohup or behind a shell's &: a signal
// that is ignored stays so in a child, one that is caught does not.
func defaultSignals() {
	for _, s := range []os.Signal{syscall.SIGHUP, os.Interrupt} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// build makes the binary in a folder that other users can execute it from, and runs
// the tests. It is built as these tests were, with cgo or without, so that nothing is
// compiled twice; CI hands over the static one.
func build(m *testing.M) (int, error) {
	if binary = os.Getenv(givenBinary); binary != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "relay-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	binary = filepath.Join(dir, "relay")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", binary, "../..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the relay: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// givenBinary is the variable that tells these tests, and copies of this program that
// they start, which binary to use.
const givenBinary = "RELAY_E2E_BINARY"

// need skips the test when one of the tools is not there.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
}

// random is a source that the test's log names.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// shortDir is a temporary folder with a path short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "relay-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return dir
}

// patience is how long a test waits for what has to come. It says nothing about how
// fast relay is: each wait ends at once when it comes, and machines are busy.
const patience = 5 * time.Minute

// until asks again and again until ok, and fails the test when that does not come.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// next is what comes from a channel.
func next[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("not within %s: %s", patience, what)
		panic("unreachable")
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
