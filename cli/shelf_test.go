package cli

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
	"relay/report/jobs"
	"relay/store"
)

func unwatched(what string) *term.Progress { return term.NewProgress(io.Discard, what, 0) }

// newShelf has a store of one account to copy from.
func newShelf(t *testing.T, keep int) (shelf, *store.Store) {
	t.Helper()
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	dir := place(e["RELAY_DATA"])
	st, err := openStore(dir.store(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return shelf{filepath.Join(t.TempDir(), "copies"), keep, string(dir)}, st
}

func (s shelf) names(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestShelf_put(t *testing.T) {
	s, st := newShelf(t, 2)
	m, path, err := s.put(t.Context(), fromStore(st, origin{"relay.test", "1"}), unwatched)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v, want mode 0700", info.Mode(), err)
	}
	if info, err = os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != m.Size {
		t.Errorf("the copy: %v, %v, want mode 0600 and %d octets", info, err, m.Size)
	}
	read, err := readManifest(path)
	if err != nil || *read != *m {
		t.Errorf("readManifest = %+v, %v, want %+v", read, err, m)
	}
	if m.Accounts != 1 || m.Schema < 1 || m.TxID < 1 || m.Hostname != "relay.test" || len(m.SHA256) != 64 {
		t.Errorf("manifest %+v", m)
	}
	if names := s.names(t); len(names) != 2 {
		t.Errorf("the directory holds %v", names)
	}
	again, second, err := s.put(t.Context(), fromStore(st, origin{"relay.test", "1"}), unwatched)
	if err != nil || second == path || again.SHA256 != m.SHA256 {
		t.Errorf("a second one at once: %s, %v", second, err)
	}
}

// A copy that is not what was written never gets its name.
func TestShelf_put_whatIsNotProved(t *testing.T) {
	broken := errors.New("broken")
	for what, change := range map[string]func(copier) copier{
		"breaks in the middle": func(from copier) copier {
			return func(ctx context.Context, w io.Writer, begin func(*manifest) error) error {
				if err := from(ctx, &upTo{w, 20_000}, begin); err == nil {
					return errors.New("nothing broke")
				}
				return broken
			}
		},
		"counts something else": func(from copier) copier {
			return func(ctx context.Context, w io.Writer, begin func(*manifest) error) error {
				return from(ctx, w, func(m *manifest) error { m.Accounts++; return begin(m) })
			}
		},
		"has another length": func(from copier) copier {
			return func(ctx context.Context, w io.Writer, begin func(*manifest) error) error {
				return from(ctx, w, func(m *manifest) error { m.Size++; return begin(m) })
			}
		},
		"is damaged": func(from copier) copier {
			return func(ctx context.Context, w io.Writer, begin func(*manifest) error) error {
				return from(ctx, &spoiler{w: w}, begin)
			}
		},
		"has no room": func(from copier) copier {
			return func(ctx context.Context, w io.Writer, begin func(*manifest) error) error {
				return from(ctx, w, func(m *manifest) error { m.Size = 1 << 60; return begin(m) })
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			s, st := newShelf(t, 2)
			if err := s.make(); err != nil {
				t.Fatal(err)
			}
			if _, path, err := s.put(t.Context(), change(fromStore(st, origin{"relay.test", "1"})), unwatched); err == nil {
				t.Errorf("put = %s", path)
			}
			if names := s.names(t); len(names) > 0 {
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
	s := shelf{dir: t.TempDir(), keep: 2}
	whole := func(name string) string {
		path := filepath.Join(s.dir, name)
		text, err := json.Marshal(manifest{Format: 1, Image: store.Image{Size: 3}})
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, "abc")
		put(t, manifestOf(path), string(text))
		return path
	}
	oldest, older := whole("relay-20261120T030000Z.db"), whole("relay-20261121T030000Z.db")
	noManifest := filepath.Join(s.dir, "relay-20261122T030000Z.db")
	put(t, noManifest, "abc")
	short := whole("relay-20261123T030000Z.db")
	put(t, short, "ab")
	newest := whole("relay-20261124T030000Z.db")
	var others []string
	for _, name := range []string{"relay-20251120T030000Z.db.old", "relay.db", "my-relay-20251120T030000Z.db", "relay-2025.db", "relay-20251120T030000Z.db.txt.manifest"} {
		put(t, filepath.Join(s.dir, name), "mine")
		others = append(others, name)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "relay-20200101T000000Z.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	others = append(others, "relay-20200101T000000Z.db")
	put(t, filepath.Join(s.dir, "relay-20261101T030000Z.db.manifest"), "its copy is gone")

	gone, err := s.prune(newest)
	if err != nil || !slices.Equal(gone, []string{older, oldest}) {
		t.Errorf("prune = %v, %v, want the two oldest", gone, err)
	}
	want := append(others, filepath.Base(noManifest), filepath.Base(short), filepath.Base(manifestOf(short)),
		filepath.Base(newest), filepath.Base(manifestOf(newest)))
	slices.Sort(want)
	if got := s.names(t); !slices.Equal(got, want) {
		t.Errorf("left are %s\nwant %s", strings.Join(got, " "), strings.Join(want, " "))
	}

	// A clock that was set back must not cost the copy that was made just now.
	back := whole("relay-20261001T030000Z.db")
	if gone, err := s.prune(back); err != nil || slices.Contains(gone, back) || !slices.Contains(gone, noManifest) {
		t.Errorf("prune = %v, %v; want the copy that was made to stay, and but one other", gone, err)
	}
}

// Of two that are at work at once, none removes the other's copy: both would go.
func TestShelf_prune_whatAnotherMadeMeanwhile(t *testing.T) {
	s := shelf{dir: t.TempDir(), keep: 1}
	mine, other := filepath.Join(s.dir, "relay-20261123T030000Z.db"), filepath.Join(s.dir, "relay-20261123T030001Z.db")
	put(t, mine, "abc")
	put(t, other, "abc")
	for path, at := range map[string]int64{mine: 1, other: 2} {
		if err := os.Chtimes(path, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if gone, err := s.prune(mine); err != nil || len(gone) > 0 {
		t.Errorf("prune = %v, %v, want what was made later to stay", gone, err)
	}
	if gone, err := s.prune(other); err != nil || !slices.Equal(gone, []string{mine}) {
		t.Errorf("prune = %v, %v, want the older one to go", gone, err)
	}
}

// Two relays may share a directory.
func TestShelf_prune_anotherRelaysCopies(t *testing.T) {
	s := shelf{dir: t.TempDir(), keep: 1}
	write := func(name, host string) string {
		path := filepath.Join(s.dir, name)
		text, err := json.Marshal(manifest{Format: 1, Hostname: host, Image: store.Image{Size: 3}})
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, "abc")
		put(t, manifestOf(path), string(text))
		return path
	}
	write("relay-20261121T030000Z.db", "other.test")
	mine := write("relay-20261121T030001Z.db", "relay.test")
	write("relay-20261122T030000Z.db", "other.test")
	newest := write("relay-20261122T030001Z.db", "relay.test")
	if gone, err := s.prune(newest); err != nil || !slices.Equal(gone, []string{mine}) {
		t.Errorf("prune = %v, %v, want its own older one alone", gone, err)
	}
}

// The job puts copies on the shelf of the configuration.
func TestRelay_backupJob(t *testing.T) {
	s, st := newShelf(t, 2)
	log := &logBuffer{ready: make(chan struct{})}
	at := time.Date(2026, 11, 23, 2, 30, 0, 0, time.UTC)
	r := backupRelay(t, s, st, log, &at)
	put(t, s.dir, "a file in its place")
	runJob(t, r, jobs.Backup)
	mustMatch(t, "log", log.String(), `level=ERROR msg="backup failed; it is tried again at the next time" dir=\S+ err=.*not a directory.* advice="`)
	if err := os.Remove(s.dir); err != nil {
		t.Fatal(err)
	}
	for _, at = range []time.Time{at, at, at.AddDate(0, 0, 1), at.AddDate(0, 0, 2)} {
		runJob(t, r, jobs.Backup)
	}
	wantCopies(t, s, "relay-20261124T023000Z.db", "relay-20261125T023000Z.db")
	mustMatch(t, "log", log.String(), `msg="backup made" file=\S+relay-20261125T023000Z.db size=\d+ sha256=\S+ removed=1 `)
}

// runJob as the calendar does.
func runJob(t *testing.T, r *relay, name string) {
	t.Helper()
	for _, j := range r.jobs().Jobs() {
		if j.Name == name {
			j.Run(t.Context())
			return
		}
	}
	t.Fatalf("no job %q", name)
}

// backupRelay is a relay whose business's clock shows at.
func backupRelay(t *testing.T, s shelf, st *store.Store, log io.Writer, at *time.Time) *relay {
	t.Helper()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(place(s.owner).store(), store.Options{Now: func() time.Time { return *at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	cfg := Default()
	cfg.Backup = Backup{Schedule: "0 3 * * *", Dir: s.dir, Keep: s.keep}
	return &relay{cfg: cfg, dir: place(s.owner), store: st, log: newLog(log, &cfg), hostname: "relay.test"}
}

func wantCopies(t *testing.T, s shelf, want ...string) {
	t.Helper()
	var got []string
	for _, name := range s.names(t) {
		if !strings.HasSuffix(name, ".manifest") {
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("copies %v, want %v", got, want)
	}
}
