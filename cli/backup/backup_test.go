package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/jobs"
	"relay/store"
)

// caller answers requests of a command.
type caller struct {
	shell.Service // nothing else is asked
	do            func(*http.Request) (*http.Response, error)
}

func (c caller) Do(r *http.Request) (*http.Response, error) { return c.do(r) }

// serviceOn is the service on a store, in this process.
func serviceOn(st *store.Store) shell.Service {
	s := &act.Service{Store: st, Log: slog.New(slog.DiscardHandler), Version: "1", Hostname: "relay.test", Rules: func() *act.Rules { return &act.Rules{} }}
	return caller{do: (&act.Local{Handler: api.New(s), Actor: act.Actor{Kind: act.Operator}}).Do}
}

func take(t *testing.T, from host.Copier, w io.Writer, ready func(int64) error) (*Manifest, error) {
	t.Helper()
	return Take(t.Context(), from, w, unwatched(""), ready)
}

func TestFromRelay(t *testing.T) {
	_, st := newShelf(t, 2)
	var got, want bytes.Buffer
	room := func(int64) error { return nil }
	m, err := take(t, FromRelay(serviceOn(st)), &got, room)
	if err != nil {
		t.Fatal(err)
	}
	is, err := take(t, host.CopierOf(st, "relay.test", "1"), &want, room)
	if err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) || m.Size != int64(got.Len()) || m.SHA256 != is.SHA256 {
		t.Errorf("%d octets, %+v, want %d, %+v", got.Len(), m, want.Len(), is)
	}
	if m.Accounts != 1 || m.Hostname != "relay.test" || m.Relay != "1" || m.Created.IsZero() {
		t.Errorf("manifest %+v", m)
	}
	full := errors.New("full")
	if _, err := take(t, FromRelay(serviceOn(st)), io.Discard, func(int64) error { return full }); !errors.Is(err, full) {
		t.Errorf("a copy for which there is no room = %v", err)
	}
	if _, err := take(t, FromRelay(serviceOn(st)), &upTo{io.Discard, 20_000}, room); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a copy that cannot be written = %v", err)
	}
}

// A copy that the relay cuts short is an error, and so is one of which it does not say
// what it is.
func TestFromRelay_cutShort(t *testing.T) {
	about := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(host.AboutHeader, about)
		_, _ = w.Write(make([]byte, 1<<20))
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	from := FromRelay(caller{do: func(r *http.Request) (*http.Response, error) {
		u, err := r.URL.Parse(s.URL + r.URL.Path)
		if err != nil {
			return nil, err
		}
		r.URL = u
		return s.Client().Do(r)
	}})
	room := func(int64) error { return nil }
	if _, err := take(t, from, io.Discard, room); exit.Of(err).Code != exit.Unreachable || !strings.Contains(err.Error(), "does not say what the copy holds") {
		t.Errorf("a copy without a description = %v", err)
	}
	about = `{"format":1,"size":1000000}`
	if _, err := take(t, from, io.Discard, room); !errors.Is(err, act.ErrBroken) {
		t.Errorf("a copy that is cut short = %v, want ErrBroken", err)
	}
}

// A copy that cannot be recorded is a copy all the same; the reader is told why.
func TestCommands_record(t *testing.T) {
	_, st := newShelf(t, 2)
	var stderr bytes.Buffer
	c := &Commands{Env: &shell.Env{Stderr: &stderr, Service: serviceOn(st)}}
	m, err := take(t, FromRelay(c.Env.Service), io.Discard, func(int64) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	c.record(t.Context(), m)
	if at, ever, err := jobs.LastBackup(st); !ever || err != nil || !at.Equal(m.Created) || stderr.Len() > 0 {
		t.Errorf("LastBackup = %v, %v, %v, want %v\n%s", at, ever, err, m.Created, &stderr)
	}
	c.Env.Service = caller{do: func(*http.Request) (*http.Response, error) { return nil, errors.New("the disk is full") }}
	c.record(t.Context(), m)
	if want := "note: the copy is whole, but relay check will not know of it: the disk is full\n"; !strings.HasSuffix(stderr.String(), want) {
		t.Errorf("stderr %q, want %q", &stderr, want)
	}
}

// A copy ends with its command, not with the store.
func TestFromRelay_interrupted(t *testing.T) {
	_, st := newShelf(t, 2)
	b := st.Bodies.New()
	defer b.Discard()
	if _, err := b.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Take(ctx, FromRelay(serviceOn(st)), io.Discard, unwatched(""), func(int64) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}
