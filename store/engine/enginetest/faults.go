package enginetest

import (
	"errors"
	"fmt"
	"testing"

	"relay/store/engine"
)

// faulty is a driver whose transactions fail as it is told.
type faulty struct {
	engine.Driver
	room   int64
	begin  error                  // of those that write
	commit func(engine.Txn) error // in place of theirs
	closed *bool                  // what Close was told; nil: it was not called
}

func (f *faulty) Room() int64 { return f.room }

func (f *faulty) Begin(write bool) (engine.Txn, error) {
	if write && f.begin != nil {
		return nil, f.begin
	}
	txn, err := f.Driver.Begin(write)
	if err != nil || !write || f.commit == nil {
		return txn, err
	}
	return &faultyTxn{txn, f}, nil
}

func (f *faulty) Close(sound bool) error {
	f.closed = &sound
	return f.Driver.Close(sound)
}

type faultyTxn struct {
	engine.Txn
	f *faulty
}

func (t *faultyTxn) Commit() error { return t.f.commit(t.Txn) }

// faults proves what engine.DB makes of a driver that fails.
func (s suite) faults(t *testing.T) {
	unsynced := errors.New("input/output error")
	cases(t, map[string]func(*testing.T){
		"a full disk leaves all as it was": s.full,
		"a transaction cannot begin":       s.cannotBegin,
		"a commit of which nobody knows, not there": func(t *testing.T) {
			s.fatal(t, unsynced, func(txn engine.Txn) error { return errors.Join(unsynced, txn.Rollback()) })
		},
		"a commit of which nobody knows, there": func(t *testing.T) {
			s.fatal(t, unsynced, func(txn engine.Txn) error { return errors.Join(unsynced, txn.Commit()) })
		},
	})
}

func (s suite) full(t *testing.T) {
	d := &faulty{Driver: s.driver(t)}
	db := closing(t, engine.New(d, engine.Options{}))
	if err := update(db, put("k", "old")); err != nil {
		t.Fatal(err)
	}
	d.commit = func(txn engine.Txn) error {
		return errors.Join(fmt.Errorf("%w: no space left", engine.ErrFull), txn.Rollback())
	}
	told := func(tx *engine.Tx) error {
		tx.OnCommit(func() { t.Error("OnCommit ran though nothing was committed") })
		return put("k", "new")(tx)
	}
	for i, err := range together(t, db, engine.Write{Do: put("other", "v")}, engine.Write{Do: told}) {
		if !errors.Is(err, engine.ErrFull) {
			t.Errorf("request %d: %v, want ErrFull", i, err)
		}
	}
	wants(t, db, "k", "old")
	wants(t, db, "other", "")
	if err := db.Err(); err != nil {
		t.Errorf("a full disk is not fatal: %v", err)
	}
	d.commit = nil
	if err := update(db, put("k", "new")); err != nil {
		t.Errorf("after there was room: %v", err)
	}
	wants(t, db, "k", "new")
}

func (s suite) cannotBegin(t *testing.T) {
	d := &faulty{Driver: s.driver(t), begin: errNo}
	db := closing(t, engine.New(d, engine.Options{}))
	for range 2 {
		if err := update(db, put("a", "v")); !errors.Is(err, errNo) {
			t.Errorf("Update = %v, want the error of Begin", err)
		}
	}
	d.begin = nil
	if err := errors.Join(db.Err(), update(db, put("a", "v"))); err != nil {
		t.Errorf("it is not fatal: %v", err)
	}
}

// fatal wants that nothing is taken any more after a commit that failed with err.
func (s suite) fatal(t *testing.T, err error, commit func(engine.Txn) error) {
	d := &faulty{Driver: s.driver(t), commit: commit}
	db := engine.New(d, engine.Options{Log: silent})
	defer func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if d.closed == nil || *d.closed {
			t.Error("the driver was not told that it is not sound")
		}
	}()
	for i, got := range together(t, db, engine.Write{Do: put("a", "v")}, engine.Write{Do: put("b", "v")}) {
		if !errors.Is(got, err) {
			t.Errorf("request %d: %v, want %v", i, got, err)
		}
	}
	select {
	case <-db.Failed():
	default:
		t.Error("Failed is not closed")
	}
	if !errors.Is(db.Err(), err) {
		t.Errorf("Err = %v, want %v", db.Err(), err)
	}
	d.commit = nil // the disk is well again: it makes no difference
	ran := false
	if got := update(db, func(*engine.Tx) error { ran = true; return nil }); !errors.Is(got, err) || ran {
		t.Errorf("the next request: %v, ran: %v", got, ran)
	}
}
