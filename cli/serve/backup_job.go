package serve

import (
	"context"
	"io"

	"relay/cli/backup"
	"relay/cli/build"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/term"
	"relay/report/api/host"
	"relay/report/jobs"
	"relay/store"
)

// copies says where and when the configuration wants them.
func (r *Relay) copies(b *config.Backup) jobs.Copies {
	s := backup.ShelfOf(b, r.dir)
	return jobs.Copies{Schedule: b.Schedule, Dir: s.Dir, Shelf: jobShelf{s, r.hostname}}
}

// jobShelf is a shelf as the job sees it.
type jobShelf struct {
	backup.Shelf
	host string // of the relay
}

// Put implements jobs.Shelf.
func (s jobShelf) Put(ctx context.Context, st *store.Store) (jobs.Copy, error) {
	unseen := func(what string) *term.Progress { return term.NewProgress(io.Discard, what, 0) }
	m, path, err := s.Shelf.Put(ctx, host.CopierOf(st, s.host, build.Read().Version), unseen)
	if err != nil {
		return jobs.Copy{}, err
	}
	return jobs.Copy{Path: path, Size: m.Size, SHA256: m.SHA256, Created: m.Created}, nil
}

// Hint implements jobs.Shelf.
func (jobShelf) Hint(err error) string { return exit.Hint(err) }
