package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	cli "github.com/urfave/cli/v2"

	"relay/cli/backup"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/term"
)

// The scripts in testdata/script run twice: with no relay running, and with one.
// The user must not notice which. Those in testdata/serve start and stop relays
// themselves.
func TestScripts(t *testing.T) {
	t.Run("alone", func(t *testing.T) { runScripts(t, "testdata/script", false) })
	t.Run("served", func(t *testing.T) { runScripts(t, "testdata/script", true) })
	t.Run("serve", func(t *testing.T) { runScripts(t, "testdata/serve", false) })
}

// Every command is run by a script.
func TestScripts_commands(t *testing.T) {
	var text strings.Builder
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, name := range files {
		script, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(script)
	}
	var look func(name string, all []*cli.Command)
	look = func(name string, all []*cli.Command) {
		for _, c := range all {
			name := name + " " + c.Name
			if len(c.Subcommands) > 0 {
				look(name, c.Subcommands)
				continue
			}
			run := regexp.MustCompile(`(?m)^(! )?(relay( <\S+)?|exec relay)?` + regexp.QuoteMeta(name) + `( |$)`)
			if c.Name == "serve" { // it has a verb of its own
				run = regexp.MustCompile(`(?m)^(! )?serve$`)
			}
			if !run.MatchString(text.String()) {
				t.Errorf("no script runs relay%s", name)
			}
		}
	}
	look("", (&program{}).commands())
}

// state of one script.
type state struct {
	relay *served
	code  int
}

type stateKey struct{}

func runScripts(t *testing.T, dir string, running bool) {
	root, err := os.MkdirTemp("", "s") // scripts show paths, in 80 columns
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		WorkdirRoot:   root,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			return prepare(e, running)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"relay":  cmdRelay,
			"code":   cmdCode,
			"mail":   cmdMail,
			"keys":   cmdKeys,
			"wide":   cmdWide,
			"serve":  cmdServe,
			"quit":   cmdQuit,
			"hangup": cmdHangup,
			"setid":  cmdSetID,
			"plug":   cmdPlug,
			"dns":    cmdDNS,
			"hop":    cmdHop,
			"lines":  cmdLines,
			"modes":  cmdModes,
			"hash":   cmdHash,
			"shelf":  cmdShelf,
			"spoil":  cmdSpoil,
			"same":   cmdSame,

			"unchanged": cmdUnchanged,
			"knock":     cmdKnock,
			"token":     cmdToken,

			"sandbox": cmdSandbox,
			"ending":  cmdEnding,
			"refused": cmdRefused,
		},
	})
}

func prepare(e *testscript.Env, running bool) error {
	config := filepath.Join(e.WorkDir, "relay.toml")
	e.Setenv("RELAY_DATA", filepath.Join(e.WorkDir, "data"))
	e.Setenv("RELAY_CONFIG", config)
	if err := os.WriteFile(config, []byte(testConfig), 0o600); err != nil {
		return err
	}
	s := &state{}
	e.Values[stateKey{}] = s
	e.Defer(func() {
		if s.relay != nil && s.relay.stop() != exit.Done {
			panic("relay did not stop well:\n" + s.relay.log.String())
		}
	})
	if !running {
		return nil
	}
	var ok bool
	if s.relay, ok = start(e.Getenv); !ok {
		return fmt.Errorf("relay did not start:\n%s", s.relay.log)
	}
	return nil
}

func of(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

// relay [<file] args...: a command line in this process.
func cmdRelay(ts *testscript.TestScript, neg bool, args []string) {
	stdin := ""
	if len(args) > 0 && strings.HasPrefix(args[0], "<") {
		stdin, args = ts.ReadFile(args[0][1:]), args[1:]
	}
	app := &App{Stdin: strings.NewReader(stdin), Stdout: ts.Stdout(), Stderr: ts.Stderr(), Getenv: ts.Getenv, Listen: net.Listen, Addresses: addressesOf(ts.Getenv)}
	s := of(ts)
	s.code = app.Run(context.Background(), args)
	if (s.code != exit.Done) != neg {
		ts.Fatalf("exit code %d", s.code)
	}
}

// code N: the last command's exit code.
func cmdCode(ts *testscript.TestScript, _ bool, args []string) {
	if got := of(ts).code; strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// serve: start a relay; ! serve: it must end by itself.
func cmdServe(ts *testscript.TestScript, neg bool, _ []string) {
	s, ok := start(ts.Getenv)
	fmt.Fprint(ts.Stderr(), s.log.String())
	switch {
	case neg && ok:
		s.stop()
		ts.Fatalf("relay started")
	case neg:
		of(ts).code = s.wait()
	case !ok:
		ts.Fatalf("relay did not start")
	default:
		of(ts).relay = s
	}
}

// quit: SIGTERM to the relay, which must end well.
func cmdQuit(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	code := s.relay.stop()
	fmt.Fprint(ts.Stderr(), s.relay.log.String())
	s.relay = nil
	if code != exit.Done {
		ts.Fatalf("exit code %d", code)
	}
}

// hangup TEXT: SIGHUP to the relay, which must say so.
func cmdHangup(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts).relay
	s.hangups <- syscall.SIGHUP
	for end := time.Now().Add(soon); !strings.Contains(s.log.String(), args[0]); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("the log does not say %q:\n%s", args[0], s.log)
		}
	}
}

// mail FROM TO...: through the relay that runs, or through one that is started
// for it.
func cmdMail(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).relay
	if s == nil {
		var ok bool
		if s, ok = start(ts.Getenv); !ok {
			ts.Fatalf("relay did not start:\n%s", s.log)
		}
		defer s.stop()
	}
	if err := submit(s.dir, args[0], args[1:]...); neg != (err != nil) {
		ts.Fatalf("mail from %s: %v", args[0], err)
	}
}

// keys FILE KEY...: the keys of a JSON object, or of each in an array.
func cmdKeys(ts *testscript.TestScript, _ bool, args []string) {
	want := slices.Sorted(slices.Values(args[1:]))
	text := []byte(ts.ReadFile(args[0]))
	var list []map[string]any
	if bytes.HasPrefix(text, []byte("[")) {
		ts.Check(json.Unmarshal(text, &list))
	} else {
		var one map[string]any
		ts.Check(json.Unmarshal(text, &one))
		list = append(list, one)
	}
	if len(list) == 0 {
		ts.Fatalf("nothing in %s", args[0])
	}
	for _, one := range list {
		var got []string
		for k := range one {
			got = append(got, k)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			ts.Fatalf("keys %v, want %v", got, want)
		}
	}
}

// wide FILE: no line is wider than a screen.
func cmdWide(ts *testscript.TestScript, neg bool, args []string) {
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > term.Columns {
			if !neg {
				return
			}
			ts.Fatalf("%d characters: %s", n, line)
		}
	}
	if !neg {
		ts.Fatalf("no line is wider than %d characters", term.Columns)
	}
}

// setid NAME N: puts the ID of the N-th message of the queue into a
// variable, and into the file ids.
func cmdSetID(ts *testscript.TestScript, _ bool, args []string) {
	var list []struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &list))
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n >= len(list) {
		ts.Fatalf("%d messages in the queue", len(list))
	}
	ts.Setenv(args[0], list[n].ID)
	ts.Check(os.WriteFile(ts.MkAbs("ids"), []byte(list[n].ID+"\n"), 0o600))
}

// plug: leaves a socket where nobody listens, as a killed relay does.
func cmdPlug(ts *testscript.TestScript, _ bool, _ []string) {
	dir := place.Dir(ts.Getenv("RELAY_DATA"))
	ts.Check(os.MkdirAll(string(dir), 0o700))
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir.Socket(), Net: "unix"})
	ts.Check(err)
	l.SetUnlinkOnClose(false)
	ts.Check(l.Close())
}

// shelf DIR N: so many copies stand there, each with its manifest.
func cmdShelf(ts *testscript.TestScript, _ bool, args []string) {
	list, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	copies := 0
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".manifest") {
			continue
		}
		copies++
		_, err := os.Stat(backup.ManifestOf(filepath.Join(ts.MkAbs(args[0]), e.Name())))
		ts.Check(err)
	}
	if strconv.Itoa(copies) != args[1] {
		ts.Fatalf("%d copies: %v", copies, list)
	}
}

// spoil longer|changed FILE: by one octet.
func cmdSpoil(ts *testscript.TestScript, _ bool, args []string) {
	text := []byte(ts.ReadFile(args[1]))
	if args[0] == "longer" {
		text = append(text, 'x')
	} else {
		text[len(text)/2] ^= 1
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
}
