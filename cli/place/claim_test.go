package place

import (
	"errors"
	"testing"
	"time"

	"relay/cli/proof"
	"relay/store"
)

// Two processes must not both have a store that was not there when they began.
func TestPlace_claim(t *testing.T) {
	dir := Dir(t.TempDir())
	empty, err := dir.Claim()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Claim(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second claim on an empty directory: %v", err)
	}
	opened := make(chan error)
	go func() { // a relay that starts waits until the restore is over
		st, err := proof.OpenStore(dir.Store(), store.Options{})
		if err == nil {
			_, err = dir.Claim()
			err = errors.Join(err, st.Close())
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("a store was made in a directory that is claimed: %v", err)
	case <-time.After(20 * time.Millisecond): // it waits, or has not begun
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; !errors.Is(err, store.ErrLocked) {
		t.Errorf("a claim on an open store: %v", err)
	}
	lock, err := dir.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := proof.OpenStore(dir.Store(), store.Options{}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Open of a store that is claimed: %v", err)
	}
}
