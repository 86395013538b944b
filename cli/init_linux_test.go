package cli

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"relay/cli/exit"
)

// A disk that fills up in the middle of init: what is there is whole, and once
// there is room, running it again makes the rest.
func TestInit_fullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	e := env{"RELAY_CONFIG": filepath.Join(dir, "relay.toml"), "RELAY_DATA": filepath.Join(dir, "data")}
	_, stderr, code := e.run("", "init", "--hostname", "smtp.example.org")
	if code != exit.TryAgain || !strings.Contains(stderr, "hint: make space") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	before := map[string][]byte{}
	walk := func(each func(path string, text []byte)) {
		t.Helper()
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.Contains(d.Name(), "relay.db") {
				return err
			}
			text, err := os.ReadFile(path)
			each(path, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	walk(func(path string, text []byte) {
		if len(text) == 0 || strings.HasPrefix(filepath.Base(path), ".") {
			t.Errorf("%s is left, %d octets", path, len(text))
		}
		before[path] = text
	})
	if len(before) == 0 {
		t.Fatal("the disk was full from the start")
	}
	out, _, _ := e.run("", "check", "--offline")
	mustMatch(t, "check", out, `failed +disk +0 B free|failed +disk +[\d.]+ k?B free`)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	mustMatch(t, "the second time", e.must(t, "init", "--hostname", "smtp.example.org"), `password +\S{32} `)
	walk(func(path string, text []byte) {
		if old, was := before[path]; was && !bytes.Equal(old, text) {
			t.Errorf("%s was changed", path)
		}
		delete(before, path)
	})
	if len(before) > 0 {
		t.Errorf("gone: %v", before)
	}
}
