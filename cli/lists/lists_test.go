package lists

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"relay/cli/shell"
)

// files are a list and the errors that clean it, in a directory of their own.
func files(t *testing.T) (dir, list, errs string) {
	t.Helper()
	dir = t.TempDir()
	list, errs = filepath.Join(dir, "list.csv"), filepath.Join(t.TempDir(), "errors.csv")
	for name, text := range map[string]string{list: "email\njo@x.example\nbad@x.example\n", errs: "recipient,category,advice,last\nbad@x.example,InvalidRecipient,remove,2026-11-23T09:00:00Z\n"} {
		if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir, list, errs
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		list = append(list, e.Name())
	}
	return list
}

// The files have the mode of the list.
func TestCleaning_run(t *testing.T) {
	dir, list, errs := files(t)
	var out, notes bytes.Buffer
	c := &cleaning{e: &shell.Env{Stdout: &out, Stderr: &notes}, file: list, errors: errs}
	if err := c.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, dir), []string{"list.clean.csv", "list.csv", "list.removed.csv"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for _, name := range []string{c.output, c.removed} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// endless is standard input that goes on until the command is told to end.
type endless struct{ end context.CancelFunc }

func (e *endless) Read(p []byte) (int, error) {
	e.end()
	return copy(p, "jo@x.example\n"), nil
}

// A signal, a list that cannot be read to its end, and one that is none leave no files.
func TestCleaning_run_leavesNothing(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, in := range map[string]io.Reader{
		"a signal": nil, "a broken disk": io.MultiReader(strings.NewReader("jo@x.example\n"), &failing{broken}), "no list": strings.NewReader("tea\n"),
	} {
		dir, _, errs := files(t)
		ctx, cancel := context.WithCancel(t.Context())
		if in == nil {
			in = &endless{cancel}
		}
		c := &cleaning{e: &shell.Env{Stdin: in, Stdout: io.Discard, Stderr: io.Discard}, file: "-", errors: errs,
			output: filepath.Join(dir, "out.csv"), removed: filepath.Join(dir, "gone.csv")}
		if err := c.run(ctx); err == nil || name == "a signal" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"list.csv"}) {
			t.Errorf("%s: left are %q", name, got)
		}
		cancel()
	}
}

type failing struct{ error }

func (f *failing) Read([]byte) (int, error) { return 0, f.error }

// Where the second file cannot get its name, the first one does not keep its own.
func TestOutputs_keep_both(t *testing.T) {
	dir, list, errs := files(t)
	c := &cleaning{e: &shell.Env{Stdout: io.Discard, Stderr: io.Discard}, file: list, errors: errs}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	o, err := c.outputs()
	if err != nil {
		t.Fatal(err)
	}
	defer o.discard()
	if err := os.WriteFile(c.output, []byte("made meanwhile"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.keep(); err == nil {
		t.Error("a file that was made meanwhile is replaced")
	}
	o.discard()
	if got, want := names(t, dir), []string{"list.clean.csv", "list.csv"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// No file is written over one that is read, nor one over the other, whatever their names and
// also with --force.
func TestCleaning_run_overItself(t *testing.T) {
	dir, list, errs := files(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]cleaning{
		"FILE and --output":      {output: dir + "/./list.csv"},
		"FILE and --removed":     {removed: filepath.Join(link, "list.csv")},
		"--errors and --output":  {output: errs},
		"--output and --removed": {output: filepath.Join(dir, "a"), removed: filepath.Join(link, "a")},
	} {
		c.e, c.file, c.errors, c.force = &shell.Env{Stdout: io.Discard, Stderr: io.Discard}, list, errs, true
		if err := c.run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), name+" are the same file") {
			t.Errorf("%s: %v", name, err)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"list.csv"}) {
			t.Errorf("%s: files %q", name, got)
		}
	}
}

// A pipe that nobody writes to holds up neither the command nor a signal that ends it.
func TestCleaning_run_pipe(t *testing.T) {
	dir, list, errs := files(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	e := &shell.Env{Stdout: io.Discard, Stderr: io.Discard}
	if err := (&cleaning{e: e, file: pipe, errors: errs}).run(t.Context()); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a list that is a pipe: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&cleaning{e: e, file: list, errors: pipe}).run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("errors that are a pipe: %v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"list.csv"}) {
		t.Errorf("files %q", got)
	}
}
