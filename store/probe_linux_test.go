package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"relay/store/bucket"
	"relay/store/engine"
)

// A writer on a full disk works, and says no: ending the process mends nothing. The
// probe shares a transaction here with what finds no room.
func TestStore_Probe_fullDisk(t *testing.T) {
	needsFile(t, "the test fills the disk below it")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	synctest.Test(t, func(t *testing.T) { probeFullDisk(t, dir) })
}

// On a full disk no mail could be stored; with room again it could.
func TestStore_Storable_fullDisk(t *testing.T) {
	needsFile(t, "the test fills the disk below it")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := reopen(t, filepath.Join(dir, "relay.db"), &clock{t: epoch})
	defer s.Close()
	if err := s.Storable(t.Context()); err != nil {
		t.Errorf("with room: %v", err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 64<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := s.Storable(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("the writer works on a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := s.Storable(t.Context()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func probeFullDisk(t *testing.T, dir string) {
	s := reopen(t, filepath.Join(dir, "relay.db"), &clock{t: epoch})
	defer s.Close()
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 8<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	hangs, release := make(chan struct{}), make(chan struct{})
	var asked sync.WaitGroup
	asked.Go(func() {
		_ = s.db.Engine().Update(engine.Write{Do: func(*engine.Tx) error { close(hangs); <-release; return nil }})
	})
	<-hangs
	asked.Go(func() {
		err := s.db.Engine().Update(engine.Write{Do: func(tx *engine.Tx) error { return tx.Put(bucket.Trace, []byte("key"), make([]byte, 4<<20)) }})
		if !errors.Is(err, ErrFull) {
			t.Errorf("a large value: %v, want %v", err, ErrFull)
		}
	})
	asked.Go(func() {
		if err := s.Probe(t.Context()); err != nil {
			t.Errorf("Probe: %v", err)
		}
	})
	synctest.Wait() // both wait for the writer
	close(release)
	asked.Wait()
}
