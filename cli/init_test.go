package cli

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"relay/cli/exit"
	"relay/cli/place"
)

// lines FILE N: it has at most so many: a screen.
func cmdLines(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n := strings.Count(ts.ReadFile(args[0]), "\n"); n > most {
		ts.Fatalf("%d lines", n)
	}
}

// modes DIR MODE PATTERN...: files of that directory have that mode.
func cmdModes(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.ParseUint(args[1], 8, 32)
	ts.Check(err)
	for _, pattern := range args[2:] {
		names, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), pattern))
		ts.Check(err)
		if len(names) == 0 {
			ts.Fatalf("no %s in %s", pattern, args[0])
		}
		for _, name := range names {
			info, err := os.Stat(name)
			ts.Check(err)
			if info.Mode().Perm() != fs.FileMode(want) {
				ts.Fatalf("%s has mode %04o", name, info.Mode().Perm())
			}
		}
	}
}

// hash OUT FILE...: what is in the files, in short.
func cmdHash(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	for _, name := range args[1:] {
		fmt.Fprintf(&b, "%x %s\n", sha256.Sum256([]byte(ts.ReadFile(name))), name)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// A user who is not root says where the configuration goes.
func TestInit_where(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root has a place for it")
	}
	e := newEnv(t, "")
	e["RELAY_CONFIG"] = ""
	_, stderr, code := e.run("", "init", "--hostname", "smtp.example.org")
	if code != exit.WrongUsage || !strings.Contains(stderr, "--config FILE") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// What root makes in a directory of another user's is that user's.
func TestInit_adopts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	e := newEnv(t, "")
	dir := place.Dir(e["RELAY_DATA"])
	if err := os.Mkdir(string(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	const user = 12345
	if err := os.Chown(string(dir), user, user); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(e["RELAY_CONFIG"]); err != nil {
		t.Fatal(err)
	}
	e.must(t, "init", "--hostname", "smtp.example.org")
	err := filepath.WalkDir(string(dir), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if uid, _ := ownerOf(path); uid != user {
			t.Errorf("%s is of user %d", path, uid)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func ownerOf(path string) (uid int, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return -1, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1, errors.ErrUnsupported
	}
	return int(stat.Uid), nil
}
