package backup

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/cli/term"
	"relay/quota"
	"relay/report/api/host"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
)

func unwatched(what string) *term.Progress { return term.NewProgress(io.Discard, what, 0) }

// newShelf has a store of one account to copy from.
func newShelf(t *testing.T, keep int) (Shelf, *store.Store) {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Builtin()[0]}); err != nil {
		t.Fatal(err)
	}
	return Shelf{filepath.Join(t.TempDir(), "copies"), keep, dir}, st
}

func onShelf(t *testing.T, s Shelf) []string {
	t.Helper()
	list, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func lay(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestShelf_put(t *testing.T) {
	s, st := newShelf(t, 2)
	m, path, err := s.Put(t.Context(), host.CopierOf(st, "relay.test", "1"), unwatched)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v, want mode 0700", info.Mode(), err)
	}
	if info, err = os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != m.Size {
		t.Errorf("the copy: %v, %v, want mode 0600 and %d octets", info, err, m.Size)
	}
	read, err := ReadManifest(path)
	if err != nil || *read != *m {
		t.Errorf("readManifest = %+v, %v, want %+v", read, err, m)
	}
	if m.Accounts != 1 || m.Schema < 1 || m.TxID < 1 || m.Hostname != "relay.test" || len(m.SHA256) != 64 {
		t.Errorf("manifest %+v", m)
	}
	if names := onShelf(t, s); len(names) != 2 {
		t.Errorf("the directory holds %v", names)
	}
	again, second, err := s.Put(t.Context(), host.CopierOf(st, "relay.test", "1"), unwatched)
	if err != nil || second == path || again.SHA256 != m.SHA256 {
		t.Errorf("a second one at once: %s, %v", second, err)
	}
}

// A copy that is not what was written never gets its name.
func TestShelf_put_whatIsNotProved(t *testing.T) {
	broken := errors.New("broken")
	for what, change := range map[string]func(host.Copier) host.Copier{
		"breaks in the middle": func(from host.Copier) host.Copier {
			return func(ctx context.Context, w io.Writer, begin func(*host.Copy) error) error {
				if err := from(ctx, &upTo{w, 20_000}, begin); err == nil {
					return errors.New("nothing broke")
				}
				return broken
			}
		},
		"counts something else": func(from host.Copier) host.Copier {
			return func(ctx context.Context, w io.Writer, begin func(*host.Copy) error) error {
				return from(ctx, w, func(m *host.Copy) error { m.Accounts++; return begin(m) })
			}
		},
		"has another length": func(from host.Copier) host.Copier {
			return func(ctx context.Context, w io.Writer, begin func(*host.Copy) error) error {
				return from(ctx, w, func(m *host.Copy) error { m.Size++; return begin(m) })
			}
		},
		"is damaged": func(from host.Copier) host.Copier {
			return func(ctx context.Context, w io.Writer, begin func(*host.Copy) error) error {
				return from(ctx, &spoiler{w: w}, begin)
			}
		},
		"has no room": func(from host.Copier) host.Copier {
			return func(ctx context.Context, w io.Writer, begin func(*host.Copy) error) error {
				return from(ctx, w, func(m *host.Copy) error { m.Size = 1 << 60; return begin(m) })
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, st := newShelf(t, 2)
			if err := s.make(); err != nil {
				t.Fatal(err)
			}
			if _, path, err := s.Put(t.Context(), change(host.CopierOf(st, "relay.test", "1")), unwatched); err == nil {
				t.Errorf("put = %s", path)
			}
			if names := onShelf(t, s); len(names) > 0 {
				t.Errorf("left over: %v", names)
			}
		})
	}
}

// upTo fails after so many octets.
type upTo struct {
	io.Writer
	left int
}

func (u *upTo) Write(p []byte) (int, error) {
	if u.left -= len(p); u.left < 0 {
		return 0, io.ErrShortWrite
	}
	return u.Writer.Write(p)
}

// spoiler changes what passes after the first two pages.
type spoiler struct {
	w  io.Writer
	at int
}

func (s *spoiler) Write(p []byte) (int, error) {
	b := slices.Clone(p)
	for i := range b {
		if s.at+i > 2*os.Getpagesize() {
			b[i] ^= 0x55
		}
	}
	s.at += len(p)
	return s.w.Write(b)
}

func TestShelf_prune(t *testing.T) {
	s := Shelf{Dir: t.TempDir(), Keep: 2}
	whole := func(name string) string {
		path := filepath.Join(s.Dir, name)
		text, err := json.Marshal(Manifest{Copy: host.Copy{Format: 1, Image: store.Image{Size: 3}}})
		if err != nil {
			t.Fatal(err)
		}
		lay(t, path, "abc")
		lay(t, ManifestOf(path), string(text))
		return path
	}
	oldest, older := whole("relay-20261120T030000Z.db"), whole("relay-20261121T030000Z.db")
	noManifest := filepath.Join(s.Dir, "relay-20261122T030000Z.db")
	lay(t, noManifest, "abc")
	short := whole("relay-20261123T030000Z.db")
	lay(t, short, "ab")
	newest := whole("relay-20261124T030000Z.db")
	var others []string
	for _, name := range []string{"relay-20251120T030000Z.db.old", "relay.db", "my-relay-20251120T030000Z.db", "relay-2025.db", "relay-20251120T030000Z.db.txt.manifest"} {
		lay(t, filepath.Join(s.Dir, name), "mine")
		others = append(others, name)
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "relay-20200101T000000Z.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	others = append(others, "relay-20200101T000000Z.db")
	lay(t, filepath.Join(s.Dir, "relay-20261101T030000Z.db.manifest"), "its copy is gone")

	gone, err := s.Prune(newest)
	if err != nil || !slices.Equal(gone, []string{older, oldest}) {
		t.Errorf("prune = %v, %v, want the two oldest", gone, err)
	}
	want := append(others, filepath.Base(noManifest), filepath.Base(short), filepath.Base(ManifestOf(short)),
		filepath.Base(newest), filepath.Base(ManifestOf(newest)))
	slices.Sort(want)
	if got := onShelf(t, s); !slices.Equal(got, want) {
		t.Errorf("left are %s\nwant %s", strings.Join(got, " "), strings.Join(want, " "))
	}

	// A clock that was set back must not cost the copy that was made just now.
	back := whole("relay-20261001T030000Z.db")
	if gone, err := s.Prune(back); err != nil || slices.Contains(gone, back) || !slices.Contains(gone, noManifest) {
		t.Errorf("prune = %v, %v; want the copy that was made to stay, and but one other", gone, err)
	}
}

// Of two that are at work at once, none removes the other's copy: both would go.
func TestShelf_prune_whatAnotherMadeMeanwhile(t *testing.T) {
	s := Shelf{Dir: t.TempDir(), Keep: 1}
	mine, other := filepath.Join(s.Dir, "relay-20261123T030000Z.db"), filepath.Join(s.Dir, "relay-20261123T030001Z.db")
	lay(t, mine, "abc")
	lay(t, other, "abc")
	for path, at := range map[string]int64{mine: 1, other: 2} {
		if err := os.Chtimes(path, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if gone, err := s.Prune(mine); err != nil || len(gone) > 0 {
		t.Errorf("prune = %v, %v, want what was made later to stay", gone, err)
	}
	if gone, err := s.Prune(other); err != nil || !slices.Equal(gone, []string{mine}) {
		t.Errorf("prune = %v, %v, want the older one to go", gone, err)
	}
}

// Two relays may share a directory.
func TestShelf_prune_anotherRelaysCopies(t *testing.T) {
	s := Shelf{Dir: t.TempDir(), Keep: 1}
	write := func(name, relay string) string {
		path := filepath.Join(s.Dir, name)
		text, err := json.Marshal(Manifest{Copy: host.Copy{Format: 1, Hostname: relay, Image: store.Image{Size: 3}}})
		if err != nil {
			t.Fatal(err)
		}
		lay(t, path, "abc")
		lay(t, ManifestOf(path), string(text))
		return path
	}
	write("relay-20261121T030000Z.db", "other.test")
	mine := write("relay-20261121T030001Z.db", "relay.test")
	write("relay-20261122T030000Z.db", "other.test")
	newest := write("relay-20261122T030001Z.db", "relay.test")
	if gone, err := s.Prune(newest); err != nil || !slices.Equal(gone, []string{mine}) {
		t.Errorf("prune = %v, %v, want its own older one alone", gone, err)
	}
}
