package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/report/api/act"
)

// unit reads a unit file: the values of each directive.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../docs/systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			all[key] = append(all[key], value)
		}
	}
	return all
}

// The unit runs commands that there are, knows relay's exit codes, and leaves it
// the time it needs.
func TestUnit_service(t *testing.T) {
	u := unit(t, "relay.service")
	for _, key := range []string{"ExecStart", "ExecReload"} {
		args := strings.Fields(u[key][0])[1:]
		if _, stderr, code := (env{}).run("", append(args, "--help")...); code != exit.Done {
			t.Errorf("%s=%s: %s", key, u[key][0], stderr)
		}
	}
	for key, want := range map[string]string{
		"Type": "notify", "StateDirectory": "relay", "Environment": "RELAY_DATA=" + place.System,
		"RestartPreventExitStatus": "64 78", "Sockets": "relay-submission.socket relay-submissions.socket",
	} {
		if got := strings.Join(u[key], "\n"); got != want {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	if len(u["MemoryHigh"]) != 1 || len(u["MemoryMax"]) != 0 {
		t.Errorf("MemoryHigh=%v: relay follows it, and is slowed down before it takes the machine's memory", u["MemoryHigh"])
	}
	if exit.WrongUsage != 64 || exit.Config != 78 {
		t.Error("the exit codes have changed")
	}
	stop, err := time.ParseDuration(u["TimeoutStopSec"][0] + "s")
	if d := config.Default(); err != nil || stop <= d.Drain.Duration+grace {
		t.Errorf("TimeoutStopSec=%s is less than relay takes to drain, %v", u["TimeoutStopSec"][0], err)
	}
}

func TestUnit_sockets(t *testing.T) {
	for name, port := range map[string]string{"submission": "587", "submissions": "465"} {
		u := unit(t, "relay-"+name+".socket")
		if _, known := serviceModes[name]; !known {
			t.Errorf("relay does not know the name %s", name)
		}
		for key, want := range map[string]string{"FileDescriptorName": name, "ListenStream": port, "Service": "relay.service"} {
			if !slices.Equal(u[key], []string{want}) {
				t.Errorf("relay-%s.socket: %s=%v, want %s", name, key, u[key], want)
			}
		}
	}
}

func TestHealth_notWell(t *testing.T) {
	for _, c := range []struct {
		h    act.Health
		want string
	}{
		{act.Health{Problem: "the disk is gone"}, "not well: the disk is gone\n"},
		{act.Health{Probes: []act.Probe{{Name: "store"}, {Name: "queue", Error: "no answer"}}}, "not well: no answer\n"},
		{act.Health{Problem: "gone", Probes: []act.Probe{{Name: "store", Error: "gone"}}}, "not well: gone\n"},
	} {
		var out strings.Builder
		p := &program{App: App{Stdout: &out}}
		if err := p.showHealth(&c.h); err != exit.Code(exit.Failed) || out.String() != c.want {
			t.Errorf("%+v: %v, %q, want exit code 1, %q", c.h, err, out.String(), c.want)
		}
		out.Reset()
		p.json = true
		if err := p.showHealth(&c.h); err != exit.Code(exit.Failed) || !strings.Contains(out.String(), `"healthy": false`) {
			t.Errorf("%+v: %v, %s", c.h, err, out.String())
		}
	}
}

// A relay that took the question and does not answer is not reachable.
func TestHealth_noAnswer(t *testing.T) {
	e := newEnv(t, testConfig)
	dir := place.Dir(e["RELAY_DATA"])
	if err := dir.Make(); err != nil {
		t.Fatal(err)
	}
	l, err := control.Listen(dir.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // which accepts nothing
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	p := newProgram(App{Getenv: e.get})
	p.env = p.newEnv()
	f, ok := errors.AsType[*exit.Error](p.health(ctx))
	if !ok || f.Code != exit.Unreachable || !strings.Contains(f.Error(), "does not answer") {
		t.Errorf("%v, want exit code %d", f, exit.Unreachable)
	}
}
