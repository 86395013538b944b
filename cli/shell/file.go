package shell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"relay/cli/exit"
	"relay/cli/wholefile"
	"relay/report/words"
)

// IntoFile has write write a new file; with force it replaces another one. The file gets
// its name when it is whole, and none when anything fails.
func (e *Env) IntoFile(ctx context.Context, path string, force bool, write func(io.Writer) error) error {
	w, err := e.NewFile(path, force)
	if err != nil {
		return err
	}
	defer w.Discard()
	if err := cmp.Or(write(w), ctx.Err()); err != nil {
		return err
	}
	if err := w.Keep(); err != nil {
		return noFile(path, err)
	}
	return e.Say("%s is written", words.Clean(path))
}

// NewFile begins a file that is to be path; with force it replaces another one.
func (e *Env) NewFile(path string, force bool) (*wholefile.File, error) {
	w, err := wholefile.New(path, force)
	if err != nil {
		return nil, noFile(path, err)
	}
	return w, nil
}

// noFile says why a new file cannot be made.
func noFile(path string, err error) error {
	if f, ok := errors.AsType[*exit.Error](err); ok {
		return f
	}
	if errors.Is(err, fs.ErrNotExist) {
		return exit.Fail(exit.Failed, "make it, or choose another place", "there is no directory %s", filepath.Dir(path))
	}
	return fmt.Errorf("write %s: %w", path, err)
}

// ReadDocument returns a file's text, or that of standard input for "-", for an act that
// takes most octets. Of a longer one it reads one octet more, so that the service refuses
// it. hint says what to do where there is no such file.
func (e *Env) ReadDocument(file string, most int64, hint string) (string, error) {
	in := e.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", exit.Fail(exit.Failed, hint, "%w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	return string(text), err
}
