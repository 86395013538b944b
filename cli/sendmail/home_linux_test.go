package sendmail

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"relay/cli/config"
	"relay/cli/place"
)

// A user who may not read the configuration gets the defaults, unless it was
// named.
func TestProgram_home(t *testing.T) {
	top := t.TempDir()
	e := map[string]string{"RELAY_CONFIG": filepath.Join(top, "relay.toml"), "RELAY_DATA": filepath.Join(top, "data")}
	if err := os.WriteFile(e["RELAY_CONFIG"], []byte("hostname = \"host.example\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(config string) (config.Config, error, error) {
		p := &Program{Where: &place.Flags{Config: config, Getenv: func(name string) string { return e[name] }}}
		cfg, _, blind, err := p.home()
		return cfg, blind, err
	}
	if cfg, blind, err := read(""); cfg.Hostname != "host.example" || blind != nil || err != nil {
		t.Errorf("hostname %q, %v, %v", cfg.Hostname, blind, err)
	}
	dir := filepath.Join(top, "secret")
	if err := os.Mkdir(dir, 0o000); err != nil {
		t.Fatal(err)
	}
	e["RELAY_CONFIG"] = filepath.Join(dir, "relay.toml")
	unprivileged(t, func() {
		if cfg, blind, err := read(""); cfg.Hostname != "" || !errors.Is(blind, os.ErrPermission) || err != nil {
			t.Errorf("unreadable: hostname %q, %v, %v", cfg.Hostname, blind, err)
		}
		if _, _, err := read(e["RELAY_CONFIG"]); !errors.Is(err, os.ErrPermission) {
			t.Errorf("named and unreadable: %v", err)
		}
	})
}

// unprivileged runs f on a thread that root's privileges over files are taken
// from.
func unprivileged(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() { // the thread ends with it
		defer close(done)
		runtime.LockOSThread()
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0)); errno != 0 {
			t.Errorf("setresuid: %v", errno)
			return
		}
		f()
	}()
	<-done
}
