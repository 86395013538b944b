package jobs

import (
	"context"
	"time"

	"relay/report/jobs/calendar"
	"relay/store"
)

// Shelf keeps copies of the store. It writes the files of this machine.
type Shelf interface {
	// Put makes a whole copy that was read again and proved.
	Put(context.Context, *store.Store) (Copy, error)
	// Prune removes the oldest copies beyond those that are to be kept, never the one
	// at path, and returns what it has removed even with an error.
	Prune(path string) ([]string, error)
	// Prove proves a copy, and removes it again.
	Prove(context.Context, *store.Store) (Proof, error)
	// Hint is the next step after an error of the others; "": none is known.
	Hint(error) string
}

// Copy is a copy of the store.
type Copy struct {
	Path    string
	Size    int64     // octets
	SHA256  string    // hexadecimal
	Created time.Time // by the clock of the business
}

// Copying is what backup did.
type Copying struct {
	Job     string `json:"job"`
	File    string `json:"file"`
	Removed int    `json:"removed"` // older ones
	MS      int64  `json:"ms"`

	made Copy // zero: none
}

// Failures implements Result.
func (*Copying) Failures() []Failure { return nil }

// LastBackup is the instant of the last whole copy, scheduled or made by hand;
// false: there is none.
func LastBackup(st *store.Store) (at time.Time, ever bool, err error) {
	state, err := st.Jobs.State(Backup)
	if err != nil || state.Last == "" {
		return at, false, err
	}
	at, err = time.Parse(time.RFC3339, state.Last)
	return at, err == nil, err
}

// RecordBackup records that there is a whole copy of that instant. An earlier instant
// than the recorded one changes nothing, unless the recorded one is yet to come: the
// clock was wrong then.
func RecordBackup(st *store.Store, at time.Time) error {
	return st.Jobs.Done(Backup, at)
}

// backupDue reports whether a copy is due. The first one is due at once: it shows
// whether the directory will do. So is one after a copy of an instant that is yet to
// come: the clock was wrong, and nobody knows when it was made.
func (r *Runner) backupDue(schedule string) (bool, error) {
	last, ever, err := LastBackup(r.store)
	if err != nil || !ever || last.After(r.store.Now()) {
		return err == nil, err
	}
	s, err := calendar.Parse(schedule)
	if err != nil {
		return false, err
	}
	return !s.Next(last.In(r.store.Zone())).After(r.store.Now()), nil
}

// runBackup is the scheduled backup. A copy that fails is due again at the next time.
func (r *Runner) runBackup(ctx context.Context) error {
	c := r.config().Copies
	due, err := r.backupDue(c.Schedule)
	if err == nil && !due {
		err = errNotDue
	}
	if err != nil {
		return err
	}
	res, err := r.copy(ctx, &c)
	switch {
	case res.made == (Copy{}) && ctx.Err() != nil:
		r.logBackupInterrupted(&c)
		return ctx.Err()
	case res.made == (Copy{}):
		r.logBackupFailed(&c, err)
		return loggedError{err}
	case err != nil:
		r.logNotRemoved(&c, err)
		err = loggedError{err}
	}
	r.logBackup(res)
	return err
}

// Backup makes a copy, and removes older ones than are to be kept. With a copy the
// error is that of the removal.
func (r *Runner) Backup(ctx context.Context) (*Copying, error) {
	c := r.config().Copies
	return r.copy(ctx, &c)
}

func (r *Runner) copy(ctx context.Context, c *Copies) (*Copying, error) {
	res, start := &Copying{Job: Backup}, time.Now()
	made, err := c.Shelf.Put(ctx, r.store)
	if res.File = made.Path; err == nil {
		err = RecordBackup(r.store, made.Created)
	}
	if err == nil {
		var gone []string
		gone, err = c.Shelf.Prune(made.Path)
		res.made, res.Removed = made, len(gone)
	}
	res.MS = time.Since(start).Milliseconds()
	return res, err
}
