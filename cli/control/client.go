package control

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client talks to the relay that listens on a socket, or to its API.
type Client struct {
	Token string // of a reseller; "": requests are the operator's

	path string // of the socket, or base; for errors
	base string // of the API
	http http.Client
}

// NewClient makes a client of the socket at path; it does not connect yet.
func NewClient(path string) *Client {
	c := &Client{path: path, base: "http://relay"}
	c.http.Transport = &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if len(path) > MaxPath { // no relay can listen there
				return nil, ErrAbsent
			}
			var d net.Dialer
			conn, err := d.DialContext(ctx, "unix", path)
			if err != nil {
				return nil, dialError(path, err)
			}
			return conn, nil
		},
	}
	return c
}

// NewRemote makes a client of the API at base, such as https://relay.example:8443.
func NewRemote(base, token string) *Client {
	c := &Client{path: base, base: strings.TrimSuffix(base, "/"), Token: token}
	c.http.Transport = &http.Transport{
		DisableCompression: true,
		Proxy:              http.ProxyFromEnvironment,
		TLSClientConfig:    &tls.Config{MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			d := net.Dialer{Timeout: 10 * time.Second}
			return d.DialContext(ctx, network, addr)
		},
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token is for nobody else
	return c
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do implements act.Caller. ErrAbsent, ErrDenied and ErrUnreached say that nothing was
// done; with ErrBroken that is not known.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	u, err := req.URL.Parse(c.base + req.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	req.URL, req.Host = u, ""
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.http.Do(req)
	switch {
	case err == nil:
		return resp, nil
	case errors.Is(err, ErrAbsent):
		return nil, ErrAbsent
	case errors.Is(err, ErrDenied):
		return nil, fmt.Errorf("%w: %s", ErrDenied, c.path)
	case unreached(err) && ctx.Err() == nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	return nil, c.broken(ctx, err)
}

// unreached reports whether err came before anything was sent.
func unreached(err error) bool {
	_, cert := errors.AsType[*tls.CertificateVerificationError](err)
	op, ok := errors.AsType[*net.OpError](err)
	return cert || ok && op.Op == "dial"
}

// broken is the error of a request whose fate is not known; the end of ctx goes first.
func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}
