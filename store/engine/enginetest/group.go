package enginetest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"relay/store/engine"
)

var errNo = errors.New("no")

// group proves what engine.DB promises, above this driver.
func (s suite) group(t *testing.T) {
	cases(t, map[string]func(*testing.T){
		"an error before the first write costs the batch nothing": s.errorFirst,
		"an error after a write is rolled back alone":             func(t *testing.T) { s.spoilt(t, func() error { return errNo }) },
		"a panic after a write is rolled back alone":              func(t *testing.T) { s.spoilt(t, func() error { panic("no") }) },
		"what a request has found fails it alone":                 s.fault,
		"a batch ends at its weight":                              s.weight,
		"a flush sees the whole transaction":                      s.flush,
		"a flush that fails rolls all back":                       s.flushFails,
		"what runs on commit":                                     s.onCommit,
		"growth":                                                  s.growth,
		"a reader that panics":                                    s.viewPanics,
		"read only":                                               s.readOnly,
		"close":                                                   s.close,
	})
	t.Run("a check while others write", s.check) // of the real disk, perhaps
}

func (s suite) db(t *testing.T, o engine.Options) *engine.DB {
	t.Helper()
	return closing(t, engine.New(s.driver(t), o))
}

func (s suite) errorFirst(t *testing.T) {
	db := s.db(t, engine.Options{})
	runs := 0 // only the writer counts
	list := make([]engine.Write, 20)
	for i := range list {
		list[i].Do = func(tx *engine.Tx) error {
			runs++
			if i%2 == 0 {
				return errNo
			}
			return put(fmt.Sprint(i), "v")(tx)
		}
	}
	before, _ := db.Commits()
	for i, err := range together(t, db, list...) {
		if (i%2 == 0) != errors.Is(err, errNo) || i%2 == 1 && err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	written, reruns := db.Commits()
	if runs != 20 || reruns != 0 || written-before != 1 {
		t.Errorf("%d runs, %d reruns, %d commits, want 20, 0, 1", runs, reruns, written-before)
	}
}

// fault: a request that called Fail is answered with that, even if its function returns nil, and
// stores nothing.
func (s suite) fault(t *testing.T) {
	db := s.db(t, engine.Options{})
	read := func(tx *engine.Tx) error { tx.Fail(errNo); tx.Fail(errors.New("another")); return nil }
	wrote := func(tx *engine.Tx) error {
		err := put("c", "v")(tx)
		tx.Fail(errNo)
		return err
	}
	taken := func(tx *engine.Tx) error {
		if tx.Fail(errNo); tx.Fault() != errNo {
			t.Error("Fault is not what Fail said")
		}
		return put("d", "v")(tx)
	}
	errs := together(t, db, engine.Write{Do: put("a", "v")}, engine.Write{Do: read}, engine.Write{Do: wrote}, engine.Write{Do: taken})
	if errs[0] != nil || errs[1] != errNo || errs[2] != errNo || errs[3] != nil {
		t.Errorf("errors %v", errs)
	}
	wants(t, db, "a", "v")
	wants(t, db, "c", "")
	wants(t, db, "d", "v")
	if err := db.View(read); err != errNo {
		t.Errorf("View = %v", err)
	}
}

func (s suite) spoilt(t *testing.T, spoil func() error) {
	db := s.db(t, engine.Options{})
	list := make([]engine.Write, 10)
	for i := range list {
		list[i].Do = func(tx *engine.Tx) error {
			if err := put(fmt.Sprint(i), "v")(tx); err != nil || i != 5 {
				return err
			}
			return spoil()
		}
	}
	for i, err := range together(t, db, list...) {
		if (err != nil) != (i == 5) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	for i := range list {
		if got := get(t, db, fmt.Sprint(i)); (got == "v") == (i == 5) {
			t.Errorf("key %d = %q", i, got)
		}
	}
	if written, reruns := db.Commits(); written != 1 || reruns != 1 {
		t.Errorf("%d commits, %d reruns, want 1 and 1", written, reruns)
	}
}

func (s suite) weight(t *testing.T) {
	db := s.db(t, engine.Options{})
	heavy := engine.Write{Do: put("k", "v"), Weight: engine.MaxWeight}
	light := engine.Write{Do: put("k", "v"), Weight: engine.MaxWeight / 4}
	together(t, db, heavy, light, light, light, light, light)
	if written, _ := db.Commits(); written != 3 {
		t.Errorf("%d commits, want 3: one that is full, four that fill another, and the last", written)
	}
}

func (s suite) flush(t *testing.T) {
	var sum, unused engine.Key[int]
	flush := func(tx *engine.Tx) error {
		if unused.Of(tx) != nil {
			t.Error("something is collected for a key that nobody used")
		}
		return tx.Put(0, []byte("sum"), fmt.Append(nil, *sum.In(tx)))
	}
	db := s.db(t, engine.Options{Flush: []func(*engine.Tx) error{flush}})
	add := engine.Write{Do: func(tx *engine.Tx) error {
		*sum.In(tx)++
		tx.Touch()
		return nil
	}}
	together(t, db, add, add, add)
	wants(t, db, "sum", "3")
	together(t, db, add) // collected anew
	wants(t, db, "sum", "1")
	if err := update(db, func(tx *engine.Tx) error { *sum.In(tx) = 7; return nil }); err != nil {
		t.Fatal(err)
	}
	wants(t, db, "sum", "1") // nothing was touched: nothing is flushed
}

func (s suite) flushFails(t *testing.T) {
	for what, bad := range map[string]func() error{
		"an error": func() error { return errNo },
		"a panic":  func() error { panic("no") },
	} {
		fails := true
		db := s.db(t, engine.Options{Flush: []func(*engine.Tx) error{func(*engine.Tx) error {
			if fails {
				return bad()
			}
			return nil
		}}})
		for i, err := range together(t, db, engine.Write{Do: put("a", "v")}, engine.Write{Do: put("b", "v")}) {
			if err == nil {
				t.Errorf("%s: request %d is answered with success", what, i)
			}
		}
		wants(t, db, "a", "")
		fails = false
		if err := update(db, put("c", "v")); err != nil {
			t.Errorf("%s: the next request: %v", what, err)
		}
		wants(t, db, "c", "v")
	}
}

func (s suite) onCommit(t *testing.T) {
	db := s.db(t, engine.Options{})
	var events []string
	tell := func(name string, err error) engine.Write {
		return engine.Write{Do: func(tx *engine.Tx) error {
			tx.OnCommit(func() { events = append(events, name) })
			return errors.Join(put(name, "v")(tx), err)
		}}
	}
	together(t, db, tell("one", nil), tell("two", errNo), tell("three", nil))
	if got := strings.Join(events, " "); got != "one three" {
		t.Errorf("on commit ran %q, want one and three once each", got)
	}
}

// growth refuses what grows while there is no room, and nothing else.
func (s suite) growth(t *testing.T) {
	d := &faulty{Driver: s.driver(t), room: -1}
	db := closing(t, engine.New(d, engine.Options{}))
	grow := engine.Write{Grows: true, Do: put("grown", "v")}
	errs := together(t, db, grow, engine.Write{Do: put("settled", "v")})
	if !errors.Is(errs[0], engine.ErrFull) || errs[1] != nil {
		t.Errorf("without room: %v, want ErrFull for the first one alone", errs)
	}
	wants(t, db, "grown", "")
	wants(t, db, "settled", "v")
	d.room = 1000
	err := db.Update(engine.Write{Grows: true, Do: func(tx *engine.Tx) error {
		if tx.Room() != 1000 {
			t.Errorf("Room = %d, want 1000", tx.Room())
		}
		return put("grown", "v")(tx)
	}})
	if err != nil {
		t.Errorf("with room: %v", err)
	}
	wants(t, db, "grown", "v")
}

// A reader that panics fails alone, and holds nothing back.
func (s suite) viewPanics(t *testing.T) {
	db := s.db(t, engine.Options{})
	if err := db.View(func(*engine.Tx) error { panic("damaged") }); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("View = %v, want the panic as an error", err)
	}
	if err := update(db, put("k", "v")); err != nil {
		t.Fatal(err)
	}
	wants(t, db, "k", "v")
}

func (s suite) readOnly(t *testing.T) {
	db := s.db(t, engine.Options{ReadOnly: true})
	if err := update(db, func(*engine.Tx) error { return nil }); err == nil {
		t.Error("Update of a DB that is only read")
	}
	wants(t, db, "k", "")
}

func (s suite) close(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := engine.New(s.at(t, path), engine.Options{})
	if _, err := s.open(path, names); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("a second one: %v, want ErrLocked", err)
	}
	if err := update(db, put("k", "v")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := update(db, func(*engine.Tx) error { return nil }); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Update after Close: %v, want ErrClosed", err)
	}
	db = closing(t, engine.New(s.at(t, path), engine.Options{}))
	wants(t, db, "k", "v")
}

// check wants no fault of a sound driver while others write.
func (s suite) check(t *testing.T) {
	db := s.db(t, engine.Options{})
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range 4 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				key := fmt.Append(nil, w, i%50)
				err := update(db, func(tx *engine.Tx) error {
					if i%3 == 0 {
						return tx.Delete(0, key)
					}
					return tx.Put(0, key, make([]byte, i%9000))
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		if err := db.Check(func(err error) { t.Errorf("Check of a sound driver: %v", err) }); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}
