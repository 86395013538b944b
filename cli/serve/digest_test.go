package serve

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/place"
	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
)

// The digest of a running relay has what the relay knows of its parts and of its machine.
func TestRelay_digest(t *testing.T) {
	dir, err := os.MkdirTemp("", "relay") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "relay.toml")
	if err := os.WriteFile(file, []byte(runConfig+"[backup]\nschedule = \"0 3 * * *\"\n[report]\noperator = \"ops@example.org\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	log := &logText{}
	r, err := New(Machine{Stderr: log, Getenv: func(string) string { return "" }, Listen: net.Listen}, cfg, place.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	signals, ready, ended := make(chan os.Signal, 1), make(chan *store.Store, 1), make(chan error, 1)
	go func() { ended <- r.Run(t.Context(), signals, func(st *store.Store) { ready <- st }) }()
	var st *store.Store
	select {
	case st = <-ready:
	case err := <-ended:
		t.Fatalf("%v\n%s", err, log)
	case <-time.After(soon):
		t.Fatalf("not ready:\n%s", log)
	}
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Builtin()[0]}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Orders.Suspend(behalf.Order{}, "acme", "spam"); err != nil {
		t.Fatal(err)
	}
	d, err := r.digest()
	switch {
	case err != nil:
		t.Error(err)
	case !d.Something() || d.Suspended.Count != 1 || d.Store.Disk == 0 || d.Unwell != "" || !d.Certificate.Ends.IsZero():
		t.Errorf("%+v", d)
	}
	signals <- syscall.SIGTERM
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}
