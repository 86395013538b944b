package serve

import (
	"context"
	"io"
	"time"

	"relay/cli/backup"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/term"
	"relay/report/jobs"
	"relay/store"
)

// backup is what the control socket streams.
func (r *Relay) backup(w io.Writer, about func(any) error) (n int64, err error) {
	return r.Store.Copy(w, func(i store.Image) error {
		return about(backup.NewManifest(backup.OriginOf(r.Hostname), r.Store.Now(), i))
	})
}

// kept records a copy that a command has made.
func (r *Relay) kept(at time.Time) error { return jobs.RecordBackup(r.Store, at) }

// copies says where and when the configuration wants them.
func (r *Relay) copies(b *config.Backup) jobs.Copies {
	s := backup.ShelfOf(b, r.dir)
	return jobs.Copies{Schedule: b.Schedule, Dir: s.Dir, Shelf: jobShelf{s, r.Hostname}}
}

// jobShelf is a shelf as the job sees it.
type jobShelf struct {
	backup.Shelf
	host string // of the relay
}

// Put implements jobs.Shelf.
func (s jobShelf) Put(ctx context.Context, st *store.Store) (jobs.Copy, error) {
	unseen := func(what string) *term.Progress { return term.NewProgress(io.Discard, what, 0) }
	m, path, err := s.Shelf.Put(ctx, backup.FromStore(st, backup.OriginOf(s.host)), unseen)
	if err != nil {
		return jobs.Copy{}, err
	}
	return jobs.Copy{Path: path, Size: m.Size, SHA256: m.SHA256, Created: m.Created}, nil
}

// Hint implements jobs.Shelf.
func (jobShelf) Hint(err error) string { return exit.Hint(err) }
