// Package proof proves a store's file in a process of its own: every queue entry has its
// message, every counter is the sum it says. The engine maps the file into memory and
// ends its process when a damaged page leads it astray. That must be neither relay nor
// the command that has to report the damage.
package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"relay/cli/exit"
	"relay/cli/wholefile"
	"relay/store"
)

// Verb is the command line, not for people, of the process that proves a file.
const Verb = "prove-file"

// Result of a proof.
type Result struct {
	Stats    store.VerifyStats `json:"stats"`
	Problems []string          `json:"problems"` // the first ones
	Older    bool              `json:"older"`    // it cannot be proved before an upgrade
	Newer    bool              `json:"newer"`    // it cannot be proved by this relay
	Missing  *store.Gaps       `json:"missing"`  // what another file has and this one lacks; null: it was not asked for
	Size     int64             `json:"size"`     // of the file as it was, octets; where it was asked for
	SHA256   string            `json:"sha256"`   // likewise
}

// mostProblems is how many problems are listed; the rest are only counted.
const mostProblems = 100

// Arguments that may follow the path.
const (
	Compare = "compare" // and the path of another file: only what that has and this one lacks is wanted
	Upgrade = "upgrade" // the file may be changed: one of an older relay is brought up to date before
	WithSum = "add"     // size and SHA-256 are wanted too
)

// Of proves the file in a process of its own, which only reads it and stands
// back behind others. It fails with store.ErrOlder when the file has to be brought
// up to date first.
func Of(ctx context.Context, path string, more ...string) (found Result, err error) {
	self, err := os.Executable()
	if err != nil {
		return found, err
	}
	var out, words bytes.Buffer
	cmd := exec.CommandContext(ctx, self, append([]string{Verb, path}, more...)...)
	cmd.Stdout, cmd.Stderr = &out, &words
	if err = startMeekly(cmd); err == nil {
		err = cmd.Wait()
	}
	ended, died := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		err = json.Unmarshal(out.Bytes(), &found)
	case ctx.Err() != nil:
		return found, ctx.Err()
	case died && ended.ExitCode() == exit.TryAgain:
		return found, store.ErrLocked
	case died && wasTold(ended):
		return found, fmt.Errorf("%s cannot be proved: the process that did so was ended: %w", path, ended)
	case died:
		first, _, _ := strings.Cut(words.String(), "\n")
		return found, fmt.Errorf("%w: %s", ErrDamaged, strings.TrimPrefix(first, "relay: error: "))
	}
	switch {
	case err != nil:
		return found, err
	case found.Older:
		return found, store.ErrOlder
	case found.Newer:
		return found, store.ErrNewer
	}
	return found, nil
}

// startMeekly starts a process with less right to the processor than this one. The
// thread that is niced for it ends with its goroutine, which does not unlock it.
func startMeekly(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10) // of this thread alone, on Linux
		started <- cmd.Start()
	}()
	return <-started
}

// wasTold reports whether a signal of a person or program ended the process, and no fault.
func wasTold(e *exec.ExitError) bool {
	w, ok := e.Sys().(syscall.WaitStatus)
	if !ok || !w.Signaled() {
		return false
	}
	return slices.Contains([]syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGKILL}, w.Signal())
}

// Here is what the other process does.
func Here(ctx context.Context, stdout, stderr io.Writer, path string, more []string) error {
	found, log := Result{Problems: []string{}}, OnlyErrors(stderr)
	if slices.Contains(more, WithSum) {
		if err := found.add(ctx, path); err != nil {
			return err
		}
	}
	err := Guard(path, func() error {
		st, err := store.Open(path, store.Options{Log: log, ReadOnly: true})
		if errors.Is(err, store.ErrOlder) && slices.Contains(more, Upgrade) {
			st, err = store.Open(path, store.Options{Log: log})
		}
		if err != nil {
			return err
		}
		if len(more) == 2 && more[0] == Compare {
			return errors.Join(found.compare(ctx, st, more[1], log), st.Close())
		}
		found.Stats, err = st.Verify(ctx, func(text string) {
			if len(found.Problems) < mostProblems {
				found.Problems = append(found.Problems, text)
			}
		})
		return errors.Join(err, st.Close())
	})
	found.Older, found.Newer = errors.Is(err, store.ErrOlder), errors.Is(err, store.ErrNewer)
	if err != nil && !found.Older && !found.Newer {
		return err
	}
	return json.NewEncoder(stdout).Encode(found)
}

// compare looks for what the file at path has and st lacks.
func (f *Result) compare(ctx context.Context, st *store.Store, path string, log *slog.Logger) error {
	other, err := store.Open(path, store.Options{Log: log, ReadOnly: true})
	if err != nil {
		return err
	}
	missing, err := st.Missing(ctx, other)
	f.Missing = &missing
	return errors.Join(err, other.Close())
}

// add adds the file up.
func (f *Result) add(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	f.Size, err = wholefile.ReadThrough(ctx, file, sum, wholefile.NewPace())
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return err
}

// OnlyErrors is a log for a store that is only looked at.
func OnlyErrors(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelError}))
}
