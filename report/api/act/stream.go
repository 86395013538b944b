package act

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Stream is an act that answers for as long as it takes: rows, a JSON document a line.
type Stream[In, Row any] struct {
	Spec
	do func(context.Context, *Service, *In, func(*Row) error) error
}

// NewStream makes an act of its function, which gives its rows to a function.
func NewStream[In, Row any](s Spec, do func(context.Context, *Service, *In, func(*Row) error) error) *Stream[In, Row] {
	return &Stream[In, Row]{s, do}
}

// File is an act that answers with octets, such as a document or a copy of the store.
type File[In any] struct {
	Spec
	do func(context.Context, *Service, *In, *Sink) error
}

// NewFile makes an act of its function.
func NewFile[In any](s Spec, do func(context.Context, *Service, *In, *Sink) error) *File[In] {
	return &File[In]{s, do}
}

// Sink takes the octets of an answer. Header is the answer's until the first Write.
type Sink struct {
	Type string // media type; "": application/octet-stream

	w     http.ResponseWriter
	begun bool
}

// stillFor is how long a client may take nothing of an answer that streams: what a
// read transaction keeps from being used again makes the store's file grow.
const stillFor = 5 * time.Minute

// Header of the answer.
func (s *Sink) Header() http.Header { return s.w.Header() }

// Write sends b; it fails when the client takes nothing for minutes.
func (s *Sink) Write(b []byte) (int, error) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", orElse(s.Type, "application/octet-stream"))
	}
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now().Add(stillFor)) // not every connection can
	return s.w.Write(b)
}

// Flush sends what was written.
func (s *Sink) Flush() { _ = http.NewResponseController(s.w).Flush() }

type body struct {
	Body func(huma.Context)
}

// stream answers with what do writes. An error before the first octet is a problem;
// later the connection is cut, so that the client does not take a part for the whole.
func (m *mount) stream(ctx context.Context, do func(*Sink) error) (*body, error) {
	return &body{func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		s := &Sink{w: w}
		err := do(s)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		switch {
		case err == nil && !s.begun:
			_, _ = s.Write(nil) // an empty answer has a type too
		case err == nil:
		case !s.begun:
			m.refuse(hc, err)
		default:
			m.s.logBroken(ctx, err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

func (a *Stream[In, Row]) register(m *mount) {
	op := m.operation(&a.Spec)
	op.Responses = streams("application/x-ndjson", huma.SchemaFromType(m.api.OpenAPI().Components.Schemas, typeOf[Row]()))
	registerTo(m, op, func(ctx context.Context, in *In) (*body, error) {
		if err := owned(ActorOf(ctx), in); err != nil {
			return nil, m.problem(ctx, err)
		}
		return m.stream(ctx, func(s *Sink) error {
			s.Type = "application/x-ndjson"
			e := json.NewEncoder(s)
			e.SetEscapeHTML(false)
			return a.do(ctx, m.s, in, func(row *Row) error {
				defer s.Flush()
				return e.Encode(row)
			})
		})
	})
}

// Each calls fn for each row as it comes, and ends with fn's error.
func (a *Stream[In, Row]) Each(ctx context.Context, c Caller, in *In, fn func(*Row) error) error {
	resp, err := a.send(ctx, c, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for d := json.NewDecoder(resp.Body); ; {
		row := new(Row)
		if err := d.Decode(row); err == io.EOF {
			return nil
		} else if err != nil {
			return broken(ctx, err)
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

func (a *File[In]) register(m *mount) {
	op := m.operation(&a.Spec)
	op.Responses = streams("application/octet-stream", &huma.Schema{Type: huma.TypeString, Format: "binary"})
	registerTo(m, op, func(ctx context.Context, in *In) (*body, error) {
		if err := owned(ActorOf(ctx), in); err != nil {
			return nil, m.problem(ctx, err)
		}
		return m.stream(ctx, func(s *Sink) error { return a.do(ctx, m.s, in, s) })
	})
}

// Copy writes the answer to what open returns, which is given the answer's headers.
func (a *File[In]) Copy(ctx context.Context, c Caller, in *In, open func(http.Header) (io.Writer, error)) (int64, error) {
	resp, err := a.send(ctx, c, in)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	w, err := open(resp.Header)
	if err != nil {
		return 0, err
	}
	return io.Copy(writerOnly{w}, brokenReader{ctx, resp.Body})
}

// writerOnly hides what w can read from, so that errors of both sides stay apart.
type writerOnly struct{ io.Writer }

// brokenReader says of an answer that was cut short that it was.
type brokenReader struct {
	ctx context.Context
	r   io.Reader
}

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = broken(b.ctx, err)
	}
	return n, err
}

// streams describes an answer that is no single document.
func streams(media string, schema *huma.Schema) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{media: {Schema: schema}}}}
}
