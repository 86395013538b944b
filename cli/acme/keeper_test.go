package acme

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/acme"
)

// authority issues certificates without a network, or fails.
type authority struct {
	life  time.Duration
	asked bool // a failure counts with it

	mu    sync.Mutex
	fails error
	tries []time.Time // of all
	kinds []string
}

// fail has it fail from now on; nil: it works.
func (a *authority) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fails = err
}

// all returns when it was asked, and for which kind of proof.
func (a *authority) all() ([]time.Time, []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.tries), slices.Clone(a.kinds)
}

func (a *authority) count() int {
	tries, _ := a.all()
	return len(tries)
}

func (a *authority) get(_ context.Context, kind string) ([]byte, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tries, a.kinds = append(a.tries, time.Now()), append(a.kinds, kind)
	if a.fails != nil {
		return nil, a.asked, a.fails
	}
	key, err := newKey()
	if err != nil {
		return nil, true, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(int64(len(a.tries))), DNSNames: []string{"relay.test"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(a.life)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, true, err
	}
	pair, err := encodePair(key, [][]byte{der})
	return pair, true, err
}

// keeping starts a Keeper with that authority; stop ends it, as a restart does.
func keeping(t *testing.T, dir string, a *authority, change func(*Options)) (k *Keeper, stop func()) {
	t.Helper()
	o := Options{Contact: "you@relay.test", Names: []string{"relay.test"}, Directory: "https://ca.test/", Dir: dir,
		OtherTLS: true, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	k, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	k.get = a.get
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	return k, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// memory is a directory on a file system that needs no disk, where there is one: years have
// many syncs.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "relay-acme-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

const day = 24 * time.Hour

// Years of certificates: each one is renewed when a third of its life is left, 30 days
// at most, and relay is started again each month.
func TestKeeper_years(t *testing.T) {
	for _, c := range []struct {
		life, least time.Duration // of a certificate, and between two of them
		days        int
	}{
		{90 * day, 60 * day, 400},
		{45 * day, 30 * day, 400},
		{6 * day, 4 * day, 60},
		{398 * day, 368 * day, 800},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, dir, begin := &authority{life: c.life}, memory(t), time.Now()
			for time.Since(begin) < time.Duration(c.days)*day {
				k, stop := keeping(t, dir, a, nil)
				for range 30 {
					time.Sleep(day)
					if pair := k.Certificate(); pair == nil || time.Now().After(pair.Leaf.NotAfter) {
						t.Fatalf("%v: no certificate after %v", c.life, time.Since(begin))
					}
				}
				stop()
			}
			tries, _ := a.all()
			for i := 1; i < len(tries); i++ {
				if gap := tries[i].Sub(tries[i-1]); gap < c.least || gap > c.least+time.Hour+lookEvery {
					t.Errorf("a certificate of %v is renewed after %v", c.life, gap)
				}
			}
		})
	}
}

// An authority that fails is asked less and less; the old certificate stays, even beyond
// its end. When it works again the next try brings a new one.
func TestKeeper_failingAuthority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, dir := &authority{life: 45 * day, asked: true}, memory(t)
		k, stop := keeping(t, dir, a, nil)
		defer func() { stop() }()
		time.Sleep(day)
		old := k.Certificate()
		a.fail(errors.New("the authority says no"))
		time.Sleep(50 * day)
		if k.Certificate() != old {
			t.Fatal("another certificate")
		}
		n := k.Note()
		if n.Problem != "the authority says no" || n.Failures < 60 || n.Next.Before(time.Now()) || n.IssuedBy != "https://ca.test/" {
			t.Errorf("note: %+v", n)
		}
		tries, _ := a.all()
		first := tries[1]
		for _, within := range []struct {
			time time.Duration
			most int
		}{{time.Hour, 5}, {day, 12}} {
			count := 0
			for _, at := range tries[1:] {
				if at.Sub(first) < within.time {
					count++
				}
			}
			if count > within.most || count < 2 {
				t.Errorf("%d tries within %v", count, within.time)
			}
		}
		stop()
		k, stop = keeping(t, dir, a, nil)
		before := a.count()
		time.Sleep(time.Minute)
		if got := k.Certificate(); got == nil || !got.Leaf.Equal(old.Leaf) || a.count() > before {
			t.Error("a restart asks at once, or forgets the certificate")
		}
		a.fail(nil)
		time.Sleep(7 * time.Hour)
		if k.Certificate().Leaf.Equal(old.Leaf) || k.Note().Failures != 0 || k.Note().Problem != "" {
			t.Errorf("no new certificate: %+v", k.Note())
		}
	})
}

// Without a network nothing is counted at the authority: the tries are close together, and
// a relay that starts again and again makes no more of them.
func TestKeeper_noNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, dir := &authority{life: 90 * day, fails: &net.OpError{Op: "dial", Err: errors.New("no route")}}, memory(t)
		for range 60 { // a minute each
			k, stop := keeping(t, dir, a, nil)
			time.Sleep(time.Minute)
			if k.Certificate() != nil {
				t.Fatal("a certificate from nowhere")
			}
			stop()
		}
		if n := a.count(); n < 4 || n > 7 {
			t.Errorf("%d tries in an hour, want about six", n)
		}
		a.fail(nil)
		k, stop := keeping(t, dir, a, nil)
		defer stop()
		time.Sleep(70 * time.Minute)
		if k.Certificate() == nil {
			t.Error("no certificate an hour after the network came")
		}
	})
}

// The operator has removed the cause: one try at once, but not twice within a minute.
func TestKeeper_again(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{life: 90 * day, fails: errors.New("no such name"), asked: true}
		k, stop := keeping(t, memory(t), a, nil)
		defer stop()
		time.Sleep(3 * time.Hour)
		before := a.count()
		for range 5 {
			k.Again()
			time.Sleep(time.Second)
		}
		if n := a.count() - before; n != 1 {
			t.Errorf("%d tries, want one", n)
		}
		a.fail(nil)
		time.Sleep(time.Minute)
		k.Again()
		time.Sleep(time.Second)
		if k.Certificate() == nil {
			t.Error("no certificate at once")
		}
		before = a.count()
		k.Again()
		time.Sleep(time.Hour)
		if a.count() > before {
			t.Error("a good certificate is renewed at a reload")
		}
	})
}

// The authority names the time for which it wants to be left alone.
func TestKeeper_rateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := &acme.Error{StatusCode: 429, ProblemType: "urn:ietf:params:acme:error:rateLimited", Detail: "too many",
			Header: map[string][]string{"Retry-After": {"86400"}}}
		a := &authority{life: 90 * day, fails: limit}
		k, stop := keeping(t, memory(t), a, nil)
		defer stop()
		time.Sleep(23 * time.Hour)
		if a.count() != 1 {
			t.Errorf("%d tries, want one: %+v", a.count(), k.Note())
		}
	})
}

// Other names and another authority need another certificate; the old one serves until then.
func TestKeeper_otherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, dir := &authority{life: 90 * day}, memory(t)
		k, stop := keeping(t, dir, a, nil)
		time.Sleep(time.Minute)
		old := k.Certificate()
		stop()
		for _, change := range []func(*Options){
			func(o *Options) { o.Names = []string{"relay.test", "mail.test"} },
			func(o *Options) { o.Directory = "https://other.test/" },
		} {
			a = &authority{life: 90 * day, fails: errors.New("not now")}
			for range 2 {
				k, stop = keeping(t, dir, a, change)
				time.Sleep(time.Second)
				if a.count() != 1 || k.Certificate() == nil || !k.Certificate().Leaf.Equal(old.Leaf) {
					t.Errorf("%d tries, certificate %v", a.count(), k.Certificate())
				}
				stop()
			}
		}
	})
}

// Where two kinds of proof are possible, the other one is next after a failure.
func TestKeeper_kinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{fails: errors.New("cannot be reached"), asked: true}
		_, stop := keeping(t, memory(t), a, func(o *Options) {
			o.HTTP, o.Listen = ":80", func(string, string) (net.Listener, error) { return &silence{ended: make(chan bool)}, nil }
		})
		defer stop()
		time.Sleep(time.Hour)
		_, kinds := a.all()
		if got := strings.Join(kinds[:3], " "); got != "http-01 tls-alpn-01 http-01" {
			t.Error(got)
		}
	})
}

// silence is a listener to which nobody connects.
type silence struct {
	net.Listener
	ended chan bool
}

func (s *silence) Accept() (net.Conn, error) {
	<-s.ended
	return nil, net.ErrClosed
}

func (s *silence) Close() error {
	close(s.ended)
	return nil
}

// A listener that cannot be opened is a reason not to ask.
func TestKeeper_noListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{life: 90 * day}
		k, stop := keeping(t, memory(t), a, func(o *Options) {
			o.HTTP, o.OtherTLS = ":80", false
			o.Listen = func(string, string) (net.Listener, error) { return nil, errors.New("port 80 is taken") }
		})
		defer stop()
		time.Sleep(time.Hour)
		if a.count() > 0 || !strings.Contains(k.Note().Problem, "port 80 is taken") {
			t.Errorf("%d tries, %+v", a.count(), k.Note())
		}
	})
}

// The files are for their owner, and a damaged one is replaced.
func TestKeeper_files(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, dir := &authority{life: 90 * day}, memory(t)
		_, stop := keeping(t, dir, a, nil)
		time.Sleep(time.Minute)
		stop()
		for _, name := range []string{pairFile, noteFile} {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, fs.FormatFileInfo(info), err)
			}
			if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		k, stop := keeping(t, dir, a, nil)
		defer stop()
		time.Sleep(time.Minute)
		if k.Certificate() == nil || a.count() != 2 {
			t.Errorf("%d tries, %v", a.count(), k.Certificate())
		}
	})
}
