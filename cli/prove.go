package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"relay/cli/control"
	"relay/store"
)

// proveVerb is the command line, not for people, of the process that proves a
// file. The engine maps the file into memory and ends its process when a
// damaged page leads it astray: that must be neither the relay nor the command
// that has to say so.
const proveVerb = "prove-file"

// proof is what came out of proving a store's file.
type proof struct {
	Stats    store.VerifyStats `json:"stats"`
	Problems []string          `json:"problems"` // the first ones
}

// mostProblems that are told; the rest is only counted.
const mostProblems = 100

// prove proves the file in a process of its own. It brings a file of an older
// relay up to date.
func (p *program) prove(ctx context.Context, path string) (found proof, err error) {
	self, err := os.Executable()
	if err != nil {
		return found, err
	}
	var out, words bytes.Buffer
	cmd := exec.CommandContext(ctx, self, proveVerb, path)
	cmd.Stdout, cmd.Stderr = &out, &words
	err = cmd.Run()
	ended, died := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return found, json.Unmarshal(out.Bytes(), &found)
	case ctx.Err() != nil:
		return found, ctx.Err()
	case died && ended.ExitCode() == exitTryAgain:
		return found, store.ErrLocked
	case died:
		first, _, _ := strings.Cut(words.String(), "\n")
		return found, fmt.Errorf("%w: %s", errDamaged, strings.TrimPrefix(first, "relay: error: "))
	}
	return found, err
}

// proveHere is what the other process does.
func (a *App) proveHere(ctx context.Context, path string) error {
	log := slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	found := proof{Problems: []string{}}
	err := guard(path, func() error {
		st, err := store.Open(path, store.Options{Log: log})
		if err != nil {
			return err
		}
		found.Stats, err = st.Verify(ctx, func(text string) {
			if len(found.Problems) < mostProblems {
				found.Problems = append(found.Problems, text)
			}
		})
		return errors.Join(err, st.Close())
	})
	if err != nil {
		return err
	}
	return encode(a.Stdout, found)
}

// proveStore proves the store: a copy of it while a relay has it, which is not
// held up by that.
func (c *checker) proveStore() {
	if c.health == nil && c.dir.isNew() {
		c.add("store", ok, "", "there is none yet")
		return
	}
	path := c.dir.store()
	if c.health != nil {
		copied, err := c.liveCopy()
		if err != nil {
			c.add("store", warning, "while a relay runs, a copy beside the store is proved: make room for it, or stop the relay first", "not proved: %v", err)
			return
		}
		defer os.Remove(copied)
		path = copied
	}
	found, err := c.prove(c.ctx, path)
	if err != nil {
		c.add("store", failed, known(err).hint, "%v", err)
		return
	}
	c.judgeProof(&found)
}

const (
	copyPattern = "relay.db.check-*"
	copyLife    = 24 * time.Hour // no check takes so long: one that is older was killed
	copyReserve = 64_000_000     // left for the relay beside the copy
)

// liveCopy has the running relay write a copy of its store beside it.
func (c *checker) liveCopy() (name string, err error) {
	c.removeOldCopies()
	var fs unix.Statfs_t
	if err := unix.Statfs(string(c.dir), &fs); err == nil && int64(fs.Bavail)*int64(fs.Bsize) < c.health.File+copyReserve {
		return "", fmt.Errorf("no room in %s for a copy of %s", c.dir, size(c.health.File))
	}
	f, err := os.CreateTemp(string(c.dir), copyPattern)
	if err != nil {
		return "", err
	}
	client := control.NewClient(c.dir.socket())
	defer client.Close()
	_, err = client.Backup(c.ctx, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// removeOldCopies takes away what a check left that was killed.
func (c *checker) removeOldCopies() {
	names, _ := filepath.Glob(filepath.Join(string(c.dir), copyPattern))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > copyLife {
			_ = os.Remove(name)
		}
	}
}

func (c *checker) judgeProof(found *proof) {
	s := &found.Stats
	if s.Problems == 0 {
		c.add("store", ok, "", "proved: %s, %s, %s, %s of mail", plural(s.Accounts, "account"),
			plural(s.Messages, "message"), entries(s.Queued), size(s.Bodies))
		return
	}
	for _, text := range found.Problems {
		c.add("store", failed, "", "%s", text)
	}
	c.add("store", failed, "stop the relay, keep a copy of the file, and bring back a backup: relay restore FILE",
		"%s", plural(s.Problems, "problem"))
}

func entries(n int64) string {
	if n == 1 {
		return "1 queue entry"
	}
	return fmt.Sprintf("%d queue entries", n)
}
