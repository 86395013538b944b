package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/store/joblog"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// A copy is of one moment: what begin is told is what is in it, whatever is
// written while it runs.
func TestStore_Copy(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for range 20 {
		accept(t, s, "acme", 30_000, "x@a.test", "y@b.test")
	}
	var b bytes.Buffer
	var told Image
	n, err := s.Copy(&b, func(i Image) error {
		told = i
		for range 5 { // meanwhile
			accept(t, s, "acme", 30_000, "x@a.test")
		}
		addAccount(t, s, "later", quota.Plan{})
		return nil
	})
	if err != nil || n != told.Size || n != int64(b.Len()) {
		t.Fatalf("Copy = %d, %v; %d octets were announced, %d came", n, err, told.Size, b.Len())
	}
	if told.Accounts != 1 || told.Totals.Messages != 20 || told.Totals.Recipients != 40 || told.Schema != len(migrations) || told.TxID == 0 {
		t.Errorf("Image %+v", told)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, b.Bytes(), 0o400); err != nil {
		t.Fatal(err)
	}
	c, err := openTest(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Verify(context.Background(), func(p string) { t.Errorf("Verify: %s", p) })
	if err != nil || found.Accounts != told.Accounts || found.Totals != told.Totals {
		t.Errorf("the copy holds %+v, %v; announced was %+v", found, err, told)
	}
	if err := c.Jobs.Set("x", joblog.State{}); err == nil {
		t.Error("SetJob on a store that is only read")
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got, err := os.ReadFile(path); !bytes.Equal(got, b.Bytes()) || err != nil {
		t.Errorf("the copy was changed, %v", err)
	}

	no := errors.New("no")
	if n, err := s.Copy(&b, func(Image) error { return no }); n != 0 || !errors.Is(err, no) {
		t.Errorf("Copy for one who does not want it = %d, %v", n, err)
	}
}

// What was delivered is not in a backup any more, and the backup is about as large as
// what is live.
func TestStore_Copy_hasNoDeletedMail(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for range 60 {
		accept(t, s, "acme", 200_000, "x@a.test")
	}
	for _, cl := range claim(t, s, "a.test", "acme", 57) {
		settle(t, s, cl, spooled.Delivered)
	}
	s.Bodies.Wait()
	var b bytes.Buffer
	if _, err := s.Copy(&b, func(Image) error { return nil }); err != nil {
		t.Fatal(err)
	}
	file, _ := s.Size()
	if b.Len() > 3*200_000*3/2 {
		t.Errorf("the copy has %d octets of %d, for three messages of 200,000", b.Len(), file)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := openTest(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := verify(t, n); got.Messages != 3 {
		t.Errorf("the copy holds %+v", got)
	}
	accept(t, n, "acme", 200_000, "x@a.test")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkStore_Copy is a backup of a store whose backlog has come and gone, while
// mail comes in.
func BenchmarkStore_Copy(b *testing.B) {
	b.Run("delivered", func(b *testing.B) { benchCopy(b, 40) })
	b.Run("queued", func(b *testing.B) { benchCopy(b, 7000) })
}

func benchCopy(b *testing.B, kept int) {
	s, _ := newStore(b)
	addAccount(b, s, "acme", quota.Plan{})
	const backlog = 7000
	var fill sync.WaitGroup
	for range 20 {
		fill.Go(func() {
			for range backlog / 20 {
				accept(b, s, "acme", 95_000, "x@a.test")
			}
		})
	}
	fill.Wait()
	for left := backlog - kept; left > 0; {
		list := claim(b, s, "a.test", "acme", min(left, 100))
		var done []spool.Result
		for _, cl := range list {
			done = append(done, spool.Result{ID: cl.Message.ID, Domain: cl.Domain, Event: trace.Event{Kind: trace.EventAttempt},
				Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Delivered, Reply: "250 ok"}}})
		}
		if err := s.Spool.Settle(done...); err != nil {
			b.Fatal(err)
		}
		left -= len(list)
	}
	s.Bodies.Wait()
	file, _ := s.Size()
	var size int64
	var worst atomic.Int64
	for b.Loop() {
		stop := make(chan struct{})
		var senders sync.WaitGroup
		for range 4 {
			senders.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					begin := time.Now()
					accept(b, s, "acme", 5000, "x@b.test")
					worst.Store(max(worst.Load(), time.Since(begin).Milliseconds()))
				}
			})
		}
		n, err := s.Copy(io.Discard, func(Image) error { return nil })
		close(stop)
		senders.Wait()
		if size = n; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(file)/1e6, "MB-file")
	b.ReportMetric(float64(size)/1e6, "MB-copy")
	b.ReportMetric(float64(worst.Load()), "ms-worst-accept")
}

func TestOpen_readOnlyAndOlder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.db")
	db, err := driveTest(path, &Options{}) // schema 0
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(true); err != nil {
		t.Fatal(err)
	}
	if _, err := openTest(path, Options{ReadOnly: true}); !errors.Is(err, ErrOlder) {
		t.Errorf("Open = %v, want ErrOlder", err)
	}
	if s, err := openTest(path, Options{}); err != nil {
		t.Error(err)
	} else if err := s.Close(); err != nil {
		t.Error(err)
	}
	s, err := openTest(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("Open after the upgrade: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The new file holds the same, and goes on as the old one.
func TestStore_Compact(t *testing.T) {
	needsFile(t, "nothing to be made smaller")
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for range 50 {
		accept(t, s, "acme", 200_000, "x@a.test")
	}
	for _, cl := range claim(t, s, "a.test", "acme", 45) {
		settle(t, s, cl, spooled.Delivered)
	}
	s.Bodies.Wait()
	small := filepath.Join(t.TempDir(), "small.db")
	if err := s.Compact(small, func(int64) error { return nil }); err != nil {
		t.Fatal(err)
	}
	was, _ := s.Size()
	info, err := os.Stat(small)
	if err != nil || info.Size() > was/4 {
		t.Errorf("%d octets after compaction, %v, before %d", info.Size(), err, was)
	}
	n := reopen(t, small, c)
	defer n.Close()
	if got := verify(t, n); got.Messages != 5 || got.Accounts != 1 {
		t.Errorf("the new file holds %+v", got)
	}
	accept(t, n, "acme", 200_000, "x@a.test")
	if u, err := n.Standings.Usages("acme"); err != nil || len(u) != 1 || u[0].Charged.Messages != 51 || u[0].Delivered != 45 {
		t.Errorf("usage %+v, %v", u, err)
	}
}
