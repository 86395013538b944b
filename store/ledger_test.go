package store

import (
	"path/filepath"
	"testing"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
)

// What is damaged of another account's ledger is not this one's.
func TestLedger_readsNoOther(t *testing.T) {
	s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch})
	defer s.Close()
	for _, name := range []string{"acma", "acme", "acmf"} {
		order(t, s, name, free, quota.Suspend)
	}
	for _, name := range []string{"acma", "acmf"} {
		err := s.update(0, func(t *tx) error { return t.Put(bucket.Ledger, keyOf(name, 1), []byte("{")) })
		if err != nil {
			t.Fatal(err)
		}
	}
	n := uint64(0)
	if err := s.Books.Ledger("acme", func(e *ledger.Entry) error { n = e.Seq; return nil }); err != nil || n != account(t, s, "acme").Seq {
		t.Errorf("Ledger ends with entry %d, %v", n, err)
	}
}
