package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"relay/cli/calendar"
	"relay/store"
)

// backupJob is the name under which the store knows of what instant the last copy
// of it is.
const backupJob = "backup"

// lastBackup is the instant of the last copy that was whole, made by the calendar
// or by hand; false: there is none.
func lastBackup(st *store.Store) (at time.Time, ever bool, err error) {
	state, err := st.Job(backupJob)
	if err != nil || state.Last == "" {
		return at, false, err
	}
	at, err = time.Parse(time.RFC3339, state.Last)
	return at, err == nil, err
}

// keepLastBackup notes that there is a whole copy of that instant. An earlier one
// changes nothing, unless the clock was wrong when the last was made.
func keepLastBackup(st *store.Store, at time.Time) error {
	if last, ever, err := lastBackup(st); err == nil && ever && !at.After(last) && !last.After(st.Now()) {
		return nil
	}
	return st.SetJob(backupJob, store.JobState{Last: at.UTC().Format(time.RFC3339), Done: st.Now()})
}

// backup is what the control socket streams.
func (r *relay) backup(w io.Writer, about func(any) error) (n int64, err error) {
	return r.store.Copy(w, func(i store.Image) error { return about(newManifest(r.hostname, r.store.Now(), i)) })
}

// kept notes what a command that made a copy says of it.
func (r *relay) kept(at time.Time) error { return keepLastBackup(r.store, at) }

// backupDue reports whether a copy by the calendar is due. The first one is so at
// once: it shows whether the directory will do. So is one after a copy of an instant
// that is yet to come: the clock was wrong, and nobody knows when it was made.
func (r *relay) backupDue(schedule string) (bool, error) {
	last, ever, err := lastBackup(r.store)
	if err != nil || !ever || last.After(r.store.Now()) {
		return err == nil, err
	}
	s, err := calendar.Parse(schedule)
	if err != nil {
		return false, err
	}
	return !s.Next(last.In(r.store.Zone())).After(r.store.Now()), nil
}

// runBackup makes a copy when one is due. One that fails is due again at the next
// time.
func (r *relay) runBackup(ctx context.Context) {
	start := time.Now()
	cfg := r.config().Backup
	due, err := r.backupDue(cfg.Schedule)
	if err != nil {
		r.logJobFailed(backupJob, err)
		return
	}
	if !due {
		return
	}
	path, m, gone, err := r.makeBackup(ctx, &cfg)
	switch {
	case m == nil && ctx.Err() != nil:
		r.logBackupInterrupted(shelfOf(&cfg, r.dir).dir)
		return
	case m == nil:
		r.logBackupFailed(shelfOf(&cfg, r.dir).dir, err)
		return
	case err != nil:
		r.logPruneFailed(shelfOf(&cfg, r.dir).dir, err)
	}
	r.logBackup(path, m, gone, time.Since(start))
}

// makeBackup makes a copy, and removes older ones than are to be kept; gone is how
// many. An error beside a copy is that of the removal.
func (r *relay) makeBackup(ctx context.Context, cfg *Backup) (path string, m *manifest, gone int, err error) {
	s := shelfOf(cfg, r.dir)
	unseen := func(string, int64) *progress { return &progress{} }
	m, path, err = s.put(ctx, fromStore(r.store, r.hostname), unseen)
	if err == nil {
		err = keepLastBackup(r.store, m.Created)
	}
	if err != nil {
		return path, nil, 0, err
	}
	list, err := s.prune(path)
	return path, m, len(list), err
}

// hintOf is the next step after an error, for the log.
func hintOf(err error) string {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = known(err)
	}
	return f.hint
}

// One function per event.

func (r *relay) logBackup(path string, m *manifest, removed int, took time.Duration) {
	r.log.Info("backup made", "file", path, "size", m.Size, "sha256", m.SHA256, "removed", removed, "ms", took.Milliseconds())
}

func (r *relay) logBackupFailed(dir string, err error) {
	r.log.Error("backup failed; it is tried again at the next time", "dir", dir, "err", err,
		"advice", orElse(hintOf(err), "see to the directory and the disk, then: relay backup"))
}

func (r *relay) logBackupInterrupted(dir string) {
	r.log.Info("backup interrupted; it is made at the next start", "dir", dir)
}

func (r *relay) logPruneFailed(dir string, err error) {
	r.log.Warn("older backups are not removed", "dir", dir, "err", err, "advice", hintOf(err))
}
