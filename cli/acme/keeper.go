package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"

	"relay/cli/wholefile"
	"relay/report/words"
)

// Options of a Keeper.
type Options struct {
	Contact   string         // mail address of the operator
	Names     []string       // of the certificate, the host's first; lower case
	Directory string         // URL of the authority
	Roots     *x509.CertPool // that vouch for the authority's own certificate; nil: the system's
	Dir       string         // where the files lie
	HTTP, TLS string         // addresses of the listeners for proofs; "": none
	OtherTLS  bool           // a listener for mail or for the API is on port 443

	Listen func(network, address string) (net.Listener, error)
	Log    *slog.Logger
}

// Keeper keeps a certificate of an authority. Its methods may be called from any
// goroutine.
type Keeper struct {
	Options
	proofs  proofs
	current atomic.Pointer[tls.Certificate]
	again   chan struct{} // capacity 1: the operator wants a try now

	// get gets a certificate by proofs of a kind. Tests of the calendar have another one.
	get func(ctx context.Context, kind string) (pair []byte, asked bool, err error)

	mu   sync.Mutex
	note Note // changed by Run's goroutine alone

	// Of Run's goroutine alone.
	servers    sync.WaitGroup
	http, tls  bool // those listeners are open
	cannotOpen error
}

// New returns a Keeper with the certificate that is there already, if any.
func New(o Options) (*Keeper, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	k := &Keeper{Options: o, again: make(chan struct{}, 1), note: ReadNote(o.Dir)}
	k.get = k.order
	pair, err := readPair(o.Dir)
	if err != nil {
		k.logUnusable(err) // another one is due
	}
	k.current.Store(pair)
	if !k.note.fits(&o) {
		k.note = Note{Directory: o.Directory, Names: o.Names, IssuedBy: k.note.IssuedBy}
	}
	return k, nil
}

// Certificate returns the one for handshakes that begin now; nil: there is none yet.
func (k *Keeper) Certificate() *tls.Certificate { return k.current.Load() }

// Config returns the configuration of a handshake in which an authority looks for a proof;
// nil: it is another handshake.
func (k *Keeper) Config(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	return k.proofs.forProof(hello)
}

// Note returns how the authority was asked the last time.
func (k *Keeper) Note() Note {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.note
}

// set changes the note once it is on disk.
func (k *Keeper) set(n Note) error {
	err := n.write(k.Dir)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.note = n
	return err
}

// Again asks at once for a certificate that was refused: the operator may have mended the
// cause.
func (k *Keeper) Again() {
	select {
	case k.again <- struct{}{}:
	default: // one is under way
	}
}

// lookEvery bounds the time between two looks, because a machine may sleep or its clock be
// set.
const lookEvery = time.Hour

// tryTime bounds one try.
const tryTime = 5 * time.Minute

// Run has a certificate ready and renewed until ctx is done.
func (k *Keeper) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer k.servers.Wait()
	defer stop()
	for {
		wait := time.NewTimer(max(0, min(time.Until(k.step(ctx, time.Now())), lookEvery)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		case <-k.again:
			wait.Stop()
			k.hurry(time.Now())
		}
	}
}

// hurry lets the next step ask, unless the last failure is less than a minute old.
func (k *Keeper) hurry(now time.Time) {
	n := k.Note()
	if now.Sub(n.Failed) < time.Minute {
		return
	}
	n.Next = time.Time{}
	if err := k.set(n); err != nil {
		k.logFailed(err)
	}
}

// step asks for a certificate if one is due, and returns when the next step is.
func (k *Keeper) step(ctx context.Context, now time.Time) time.Time {
	k.open(ctx)
	if due := k.due(); now.Before(due) {
		return due
	}
	kind := k.kind()
	if kind == "" {
		k.failed(now, false, fmt.Errorf("no listener for the authority's proof: %w", k.cannotOpen))
		return k.due()
	}
	if err := k.begin(now); err != nil {
		k.failed(now, false, err)
		return k.due()
	}
	trying, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	pair, asked, err := k.get(trying, kind)
	if err == nil {
		err = k.take(pair)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil: // relay stops; the noted time stays
	default:
		k.failed(now, asked, err)
	}
	return k.due()
}

// due returns when a certificate may be asked for. A part of an hour, another one for each
// certificate, keeps the relays of the world apart.
func (k *Keeper) due() time.Time {
	next := k.Note().Next
	pair := k.Certificate()
	if pair == nil || !k.covers(pair.Leaf) {
		return next
	}
	life := pair.Leaf.NotAfter.Sub(pair.Leaf.NotBefore)
	renew := pair.Leaf.NotAfter.Add(-min(life/3, 30*24*time.Hour))
	if serial := pair.Leaf.SerialNumber; serial != nil {
		part := time.Duration(serial.Bits()[0]%60) * time.Minute
		renew = renew.Add(min(part, life/30))
	}
	if renew.Before(next) {
		return next
	}
	return renew
}

// covers reports whether a certificate is for all names and from this authority.
func (k *Keeper) covers(leaf *x509.Certificate) bool {
	for _, name := range k.Names {
		if leaf.VerifyHostname(name) != nil {
			return false
		}
	}
	by := k.Note().IssuedBy
	return by == "" || by == k.Directory
}

// begin notes the try before it is made, as one that fails.
func (k *Keeper) begin(now time.Time) error {
	n := k.Note()
	n.Next = now.Add(pause(n.Failures+1, true)).UTC()
	return k.set(n)
}

// take keeps a new certificate, on disk first.
func (k *Keeper) take(text []byte) error {
	pair, err := parsePair(text)
	if err != nil {
		return err
	}
	if err := wholefile.Write(PairFile(k.Dir), text); err != nil {
		return err
	}
	k.current.Store(pair)
	k.logObtained(pair.Leaf)
	return k.set(Note{Directory: k.Directory, Names: k.Names, IssuedBy: k.Directory})
}

// failed notes why there is no new certificate, and when the next try may be.
func (k *Keeper) failed(now time.Time, asked bool, err error) {
	n := k.Note()
	n.Failures++
	n.Problem, n.Failed = words.Clean(err.Error()), now.UTC()
	wait := pause(n.Failures, asked)
	if limited, ok := rateLimit(err); ok {
		wait = max(wait, limited, time.Hour)
	}
	n.Next = now.Add(wait + rand.N(wait/10+1)).UTC()
	k.logFailed(errors.Join(err, k.set(n)))
}

// pause returns how long to wait after so many failures. Authorities grant few failures an
// hour (Let's Encrypt five for a name), but a network that is not there costs nothing.
func pause(failures int, asked bool) time.Duration {
	first, most := time.Minute, time.Hour
	if asked {
		first, most = 5*time.Minute, 6*time.Hour
	}
	return min(first<<min(failures-1, 10), most)
}

// rateLimit returns how long the authority wants to be left alone.
func rateLimit(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*acme.Error](err); ok {
		return acme.RateLimit(e)
	}
	return 0, false
}

// order is get of a Keeper.
func (k *Keeper) order(ctx context.Context, kind string) ([]byte, bool, error) {
	o := order{Options: &k.Options, kind: kind, proofs: &k.proofs}
	pair, err := o.get(ctx)
	return pair, o.asked, err
}

// open opens the listeners for proofs that are not open yet.
func (k *Keeper) open(ctx context.Context) {
	before := k.cannotOpen
	k.cannotOpen = nil
	if k.HTTP != "" && !k.http {
		if l, err := k.Listen("tcp", k.HTTP); err != nil {
			k.cannotOpen = err
		} else {
			k.http = true
			k.servers.Go(func() { k.proofs.serveHTTP(ctx, l, k.Log) })
		}
	}
	if k.TLS != "" && !k.tls {
		if l, err := k.Listen("tcp", k.TLS); err != nil {
			k.cannotOpen = errors.Join(k.cannotOpen, err)
		} else {
			k.tls = true
			k.servers.Go(func() { k.proofs.serveTLS(ctx, l) })
		}
	}
	if k.cannotOpen != nil && before == nil {
		k.Log.Warn("the authority cannot look for its proof here", "component", "cli", "err", k.cannotOpen)
	}
}

// kind returns the kind of proof for the next try; after a failure the other one, where
// there are two. "": none is possible.
func (k *Keeper) kind() string {
	var kinds []string
	if k.http {
		kinds = append(kinds, http01)
	}
	if k.tls || k.OtherTLS {
		kinds = append(kinds, alpn01)
	}
	if kinds == nil {
		return ""
	}
	return kinds[k.Note().Failures%len(kinds)]
}

func (k *Keeper) logObtained(leaf *x509.Certificate) {
	k.Log.Info("certificate obtained", "component", "cli", "names", leaf.DNSNames, "authority", leaf.Issuer.String(), "not_after", leaf.NotAfter)
}

func (k *Keeper) logFailed(err error) {
	n, ends := k.Note(), "none yet, a self-signed one is used"
	if pair := k.Certificate(); pair != nil {
		ends = pair.Leaf.NotAfter.UTC().Format(time.RFC3339)
	}
	k.Log.Warn("no new certificate from the authority; relay reload tries again at once", "component", "cli",
		"err", err, "authority", k.Directory, "failures", n.Failures, "next_attempt", n.Next, "not_after", ends)
}

func (k *Keeper) logUnusable(err error) {
	k.Log.Warn("the kept certificate cannot be used, the authority is asked for another", "component", "cli", "err", err)
}
