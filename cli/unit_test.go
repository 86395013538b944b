package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/serve"
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
	if d := config.Default(); err != nil || stop <= d.Drain.Duration+serve.Grace {
		t.Errorf("TimeoutStopSec=%s is less than relay takes to drain, %v", u["TimeoutStopSec"][0], err)
	}
}

func TestUnit_sockets(t *testing.T) {
	for name, port := range map[string]string{"submission": "587", "submissions": "465"} {
		u := unit(t, "relay-"+name+".socket")
		if _, known := serve.ServiceModes[name]; !known {
			t.Errorf("relay does not know the name %s", name)
		}
		for key, want := range map[string]string{"FileDescriptorName": name, "ListenStream": port, "Service": "relay.service"} {
			if !slices.Equal(u[key], []string{want}) {
				t.Errorf("relay-%s.socket: %s=%v, want %s", name, key, u[key], want)
			}
		}
	}
}
