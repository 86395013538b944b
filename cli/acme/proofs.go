package acme

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
)

// Kinds of proofs.
const (
	http01 = "http-01"
	alpn01 = "tls-alpn-01"
)

// patience is how long a visitor of the listeners for proofs may take.
const patience = 10 * time.Second

// proofs are the answers that the authority looks for while it is asked.
type proofs struct {
	mu    sync.Mutex
	pages map[string]string           // by path
	certs map[string]*tls.Certificate // by name
}

func (p *proofs) setPage(path, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages == nil {
		p.pages = map[string]string{}
	}
	p.pages[path] = text
}

func (p *proofs) setCert(name string, cert *tls.Certificate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.certs == nil {
		p.certs = map[string]*tls.Certificate{}
	}
	p.certs[strings.ToLower(name)] = cert
}

// clear forgets all answers, when the authority has looked.
func (p *proofs) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages, p.certs = nil, nil
}

// ServeHTTP implements http.Handler. It has nothing but the proofs.
func (p *proofs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	text, ok := p.pages[r.URL.Path]
	p.mu.Unlock()
	if !ok {
		http.Error(w, "nothing is here", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write([]byte(text)) // an authority that has gone asks again
}

var errNoProof = errors.New("acme: no proof is wanted for this name")

func (p *proofs) cert(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cert := p.certs[strings.ToLower(hello.ServerName)]; cert != nil {
		return cert, nil
	}
	return nil, errNoProof
}

// forProof returns the configuration of a handshake in which an authority looks for a
// proof (RFC 8737 §3); nil: it is another handshake.
func (p *proofs) forProof(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if len(hello.SupportedProtos) != 1 || hello.SupportedProtos[0] != acme.ALPNProto {
		return nil, nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.cert, NextProtos: []string{acme.ALPNProto}}, nil
}

// serveHTTP answers on a listener until ctx is done.
func (p *proofs) serveHTTP(ctx context.Context, l net.Listener, log *slog.Logger) {
	s := &http.Server{Handler: p, ReadTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	_ = s.Serve(&crowd{Listener: l}) // it ends with ctx; what ends it before that shows as a proof that fails
}

// serveTLS answers handshakes on a listener until ctx is done.
func (p *proofs) serveTLS(ctx context.Context, l net.Listener) {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var visitors sync.WaitGroup
	defer visitors.Wait()
	all := &crowd{Listener: l}
	for {
		conn, err := all.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil { // such as no more files: the machine may recover
			rest(ctx)
			continue
		}
		visitors.Go(func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			c := tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.cert, NextProtos: []string{acme.ALPNProto}})
			_ = c.HandshakeContext(ctx) // the handshake is the proof
		})
	}
}

// rest waits a second, or until ctx is done.
func rest(ctx context.Context) {
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
