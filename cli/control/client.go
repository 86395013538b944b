package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Client talks to the relay that listens on a socket.
type Client struct {
	path string
	http http.Client
}

// NewClient makes a client of the socket at path; it does not connect yet.
func NewClient(path string) *Client {
	c := &Client{path: path}
	c.http.Transport = &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if len(path) > MaxPath { // so nobody can listen there
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

// Close gives back what the client holds.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Run has the relay run a command line and copies its output. stdin may be nil.
// It fails with ErrAbsent before anything was done, with ErrBroken when that is
// not known.
func (c *Client) Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int, err error) {
	head, err := json.Marshal(Request{Args: args})
	if err != nil {
		return 0, err
	}
	var body io.Reader = bytes.NewReader(append(head, '\n'))
	if stdin != nil {
		body = io.MultiReader(body, stdin)
	}
	resp, err := c.do(ctx, http.MethodPost, "/v1/run", body)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); ; {
		var f frame
		if err := dec.Decode(&f); err != nil {
			return 0, c.broken(ctx, err)
		}
		if f.Code != nil {
			return *f.Code, nil
		}
		if _, err := stdout.Write(f.Out); err != nil {
			return 0, err
		}
		if _, err := stderr.Write(f.Err); err != nil {
			return 0, err
		}
	}
}

// Backup streams a copy of the relay's store into w.
func (c *Client) Backup(ctx context.Context, w io.Writer) (int64, error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/backup", nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(writerOnly{w}, resp.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = c.broken(ctx, err)
	}
	return n, err
}

// writerOnly hides what w can read from, so that errors of both sides stay apart.
type writerOnly struct{ io.Writer }

// Health asks how the relay is.
func (c *Client) Health(ctx context.Context) (h Health, err error) {
	resp, err := c.do(ctx, http.MethodGet, "/v1/health", nil)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&h); err != nil {
		return h, c.broken(ctx, err)
	}
	return h, nil
}

func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://relay"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	switch {
	case errors.Is(err, ErrAbsent):
		return nil, ErrAbsent
	case errors.Is(err, ErrDenied):
		return nil, fmt.Errorf("%w: %s", ErrDenied, c.path)
	case err != nil:
		return nil, c.broken(ctx, err)
	case resp.StatusCode != http.StatusOK:
		resp.Body.Close()
		return nil, fmt.Errorf("%w: it answers %s", ErrBroken, resp.Status)
	}
	return resp, nil
}

func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}
