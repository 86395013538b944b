package policy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"relay/mailer/route"
)

// Fetcher gets the text of the policy that a domain publishes.
type Fetcher interface {
	Fetch(ctx context.Context, domain string) ([]byte, error)
}

// Bounds of a fetch.
const (
	FetchTime  = 30 * time.Second // with the wait for others that are fetched
	maxPolicy  = 64 << 10         // octets (RFC 8461 §3.3)
	maxFetches = 20               // at once
)

// HTTPS is the Fetcher of RFC 8461 §3.3. It follows no redirect, and takes nothing but
// what a host with the certificate of an authority says.
type HTTPS struct {
	Addrs        func(ctx context.Context, host string) ([]netip.Addr, error)
	RootCAs      *x509.CertPool // nil: the system's
	Port         int            // 0: 443
	AllowPrivate bool           // private addresses are dialled like others
	Agent        string         // User-Agent
}

// Host is where a domain publishes its policy.
func Host(domain string) string { return "mta-sts." + domain }

// Fetch implements Fetcher.
func (h *HTTPS) Fetch(ctx context.Context, domain string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+Host(domain)+"/.well-known/mta-sts.txt", nil)
	if err != nil {
		return nil, err
	}
	answer, err := h.do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", Host(domain), answer.Status)
	}
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return nil, fmt.Errorf("%s has a policy that is not text/plain: %q", Host(domain), shorten(answer.Header.Get("Content-Type")))
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxPolicy+1))
	if err == nil && len(text) > maxPolicy {
		err = fmt.Errorf("%s has a policy of more than %d octets", Host(domain), maxPolicy)
	}
	return text, err
}

// Post hands a report to an https: address (RFC 8460 §5.4). Addresses come from strangers,
// so it dials only what a policy may be fetched from.
func (h *HTTPS) Post(ctx context.Context, url string, report []byte) error {
	ctx, cancel := context.WithTimeout(ctx, FetchTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(report))
	if err != nil {
		return err
	}
	if request.URL.Scheme != "https" {
		return fmt.Errorf("%s is no https: address", shorten(url))
	}
	request.Header.Set("Content-Type", "application/tlsrpt+gzip")
	answer, err := h.do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", request.URL.Host, answer.Status)
	}
	return nil
}

// do makes a request on a connection of its own, and follows no redirect.
func (h *HTTPS) do(request *http.Request) (*http.Response, error) {
	transport := &http.Transport{
		DialContext:            h.dial,
		TLSClientConfig:        &tls.Config{RootCAs: h.RootCAs},
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request.Header.Set("User-Agent", h.Agent)
	return client.Do(request)
}

// dial connects to one of a host's addresses, in the order in which the DNS has them.
func (h *HTTPS) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if h.Port != 0 {
		port = strconv.Itoa(h.Port)
	}
	addrs, err := h.Addrs(ctx, host)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("%s has no address that may be dialled", host)
	for _, a := range addrs[:min(len(addrs), 4)] {
		if !h.AllowPrivate && !route.Public(a) {
			continue
		}
		d := net.Dialer{Timeout: 5 * time.Second}
		conn, failed := d.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if failed == nil {
			return conn, nil
		}
		if err = failed; ctx.Err() != nil {
			return nil, errors.Join(err, ctx.Err())
		}
	}
	return nil, err
}
