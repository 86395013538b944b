package proof

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"relay/cli/exit"
	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
)

// TestMain lets the test's own binary prove files, as relay's does.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Verb {
		os.Exit(exit.Report(os.Stderr, Here(context.Background(), os.Stdout, os.Stderr, os.Args[2], os.Args[3:])))
	}
	os.Exit(m.Run())
}

// A proof does not change what it proves, nor does it hinder another.
func TestOf_onlyReads(t *testing.T) {
	dir := t.TempDir()
	open, path := filepath.Join(dir, "open.db"), filepath.Join(dir, "closed.db")
	for _, name := range []string{open, path} {
		st, err := OpenStore(name, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Builtin()[0]}); err != nil {
			t.Fatal(err)
		}
		if name == path {
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	found, err := Of(t.Context(), path, WithSum)
	if err != nil || found.Size != before.Size() || found.Stats.Accounts != 1 {
		t.Errorf("prove = %+v, %v", found, err)
	}
	if after, err := os.Stat(path); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("it was written to: %v", err)
	}
	if _, err := Of(t.Context(), open); !errors.Is(err, store.ErrLocked) {
		t.Errorf("prove of a store that is open = %v, want ErrLocked", err)
	}
}
