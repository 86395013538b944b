package act

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Stream is an act whose answer is rows, one JSON document a line, each sent as it comes.
type Stream[In, Row any] struct {
	Spec
	do func(context.Context, *Service, *In, func(*Row) error) error
}

// NewStream makes a stream of its function, which gives each row to another function. A
// nil row sends only the answer's headers: the client then knows that the stream has begun.
func NewStream[In, Row any](s Spec, do func(context.Context, *Service, *In, func(*Row) error) error) *Stream[In, Row] {
	return &Stream[In, Row]{s, do}
}

// File is an act that answers with octets, such as a document or a copy of the store.
type File[In any] struct {
	Spec
	do func(context.Context, *Service, *In, *Sink) error
}

// NewFile makes a file of its function.
func NewFile[In any](s Spec, do func(context.Context, *Service, *In, *Sink) error) *File[In] {
	return &File[In]{s, do}
}

// Sink takes the octets of an answer.
type Sink struct {
	Type string // media type; "": application/octet-stream

	w        http.ResponseWriter
	begun    bool
	stopping <-chan struct{} // once closed, Write waits for lastFor only; nil: never
}

// stillFor is how long a client may read nothing of a streaming answer. The read
// transaction behind it keeps pages from being used again, so the store's file grows.
const stillFor = 5 * time.Minute

// lastFor is that time once the relay stops.
const lastFor = time.Second

// Header returns the answer's header; changes count until the first Write.
func (s *Sink) Header() http.Header { return s.w.Header() }

// Write sends b. It fails if the client reads nothing for stillFor.
func (s *Sink) Write(b []byte) (int, error) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", cmp.Or(s.Type, "application/octet-stream"))
	}
	limit := stillFor
	select {
	case <-s.stopping:
		limit = lastFor
	default:
	}
	s.limit(limit)
	return s.w.Write(b)
}

// limit sets the deadline of writes, also of one under way.
func (s *Sink) limit(d time.Duration) {
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now().Add(d)) // not every connection can
}

// Begin sends the answer's headers before the first octet.
func (s *Sink) Begin() {
	_, _ = s.Write(nil) // an error shows at the first octets
	s.Flush()
}

// Flush sends what is buffered.
func (s *Sink) Flush() { _ = http.NewResponseController(s.w).Flush() }

// untilStop shortens the deadline of a write under way once the relay begins to stop.
func (s *Sink) untilStop(r *Running) (end func()) {
	if r == nil || r.Stopping == nil {
		return func() {}
	}
	s.stopping = r.Stopping
	ended := make(chan struct{})
	go func() {
		select {
		case <-r.Stopping:
			s.limit(lastFor)
		case <-ended:
		}
	}()
	return func() { close(ended) }
}

type body struct {
	Body func(huma.Context)
}

// stream answers with what do writes. An error before the first octet is a problem. After
// that the connection is cut, so that the client does not take a part for the whole.
func (m *mount) stream(ctx context.Context, do func(*Sink) error) (*body, error) {
	return &body{func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		s := &Sink{w: w}
		defer s.untilStop(m.s.Running)()
		err := do(s)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		switch {
		case err == nil && !s.begun:
			_, _ = s.Write(nil) // an empty answer has a type too
		case err == nil:
		case !s.begun:
			m.refuse(hc, err)
		default:
			m.cut(ctx, w, err)
		}
	}}, nil
}

// cut breaks an answer off.
func (m *mount) cut(ctx context.Context, w http.ResponseWriter, err error) {
	if here, ok := w.(*reply); ok {
		here.cause = err // for its client
	} else if ctx.Err() == nil && !errors.Is(err, errTold) {
		m.s.logBroken(ctx, err)
	}
	panic(http.ErrAbortHandler)
}

func (a *Stream[In, Row]) register(m *mount) {
	op := m.operation(&a.Spec)
	op.Responses = m.streams("application/x-ndjson", huma.SchemaFromType(m.api.OpenAPI().Components.Schemas, reflect.TypeFor[Row]()))
	huma.Register(m.api, op, func(ctx context.Context, in *In) (*body, error) {
		if err := foreign(ActorOf(ctx), in); err != nil {
			return nil, m.problem(ctx, err)
		}
		return m.stream(ctx, func(s *Sink) error {
			s.Type = "application/x-ndjson"
			return a.rows(ctx, m, in, s)
		})
	})
}

// errTold ends a stream whose last line is its problem.
var errTold = errors.New("act: the stream ends with its problem")

// lastLine is the last line of a stream that fails after it has begun.
type lastLine struct {
	Problem *Problem `json:"problem"`
}

const lastLineBegins = `{"problem":`

// rows writes the rows, and the problem of a stream that has begun as its last line.
func (a *Stream[In, Row]) rows(ctx context.Context, m *mount, in *In, s *Sink) error {
	err := a.do(ctx, m.s, in, func(row *Row) error {
		if row == nil {
			s.Begin()
			return nil
		}
		defer s.Flush()
		return Encode(s, row)
	})
	if err == nil || !s.begun || ctx.Err() != nil {
		return err
	}
	if Encode(s, lastLine{m.problem(ctx, err)}) == nil {
		s.Flush()
		err = errTold
	}
	return err
}

// Each calls fn for each row as it comes, and stops at fn's first error.
func (a *Stream[In, Row]) Each(ctx context.Context, c Caller, in *In, fn func(*Row) error) error {
	rows, err := a.Open(ctx, c, in)
	if err != nil {
		return err
	}
	return rows.Each(fn)
}

// Open asks for the rows, and returns when the service has begun to answer.
func (a *Stream[In, Row]) Open(ctx context.Context, c Caller, in *In) (*Rows[Row], error) {
	resp, err := a.send(ctx, c, in)
	return &Rows[Row]{ctx, resp}, err
}

// Rows of a stream, as they come.
type Rows[Row any] struct {
	ctx  context.Context
	resp *http.Response
}

// Each calls fn for each row, and returns fn's first error or the stream's problem.
func (r *Rows[Row]) Each(fn func(*Row) error) error {
	defer r.resp.Body.Close()
	for d := json.NewDecoder(r.resp.Body); ; {
		var line json.RawMessage
		if err := d.Decode(&line); err == io.EOF {
			return nil
		} else if err != nil {
			return broken(r.ctx, err)
		}
		row, err := rowOf[Row](line)
		if err != nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// rowOf reads a line: a row, or the problem that ends the stream.
func rowOf[Row any](line json.RawMessage) (*Row, error) {
	if bytes.HasPrefix(line, []byte(lastLineBegins)) {
		var last lastLine
		if err := json.Unmarshal(line, &last); err != nil || last.Problem == nil {
			return nil, fmt.Errorf("%w: %s", ErrBroken, line)
		}
		return nil, last.Problem
	}
	row := new(Row)
	return row, json.Unmarshal(line, row)
}

func (a *File[In]) register(m *mount) {
	op := m.operation(&a.Spec)
	op.Responses = m.streams("application/octet-stream", &huma.Schema{Type: huma.TypeString, Format: "binary"})
	huma.Register(m.api, op, func(ctx context.Context, in *In) (*body, error) {
		if err := foreign(ActorOf(ctx), in); err != nil {
			return nil, m.problem(ctx, err)
		}
		return m.stream(ctx, func(s *Sink) error { return a.do(ctx, m.s, in, s) })
	})
}

// Copy writes the answer to the writer that open returns for the answer's headers.
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

// writerOnly hides ReadFrom, so that io.Copy does not mix errors of reading and writing.
type writerOnly struct{ io.Writer }

// brokenReader turns read errors into ErrBroken.
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

// streams describes the responses of a stream or a file: the answer, or a problem.
func (m *mount) streams(media string, schema *huma.Schema) map[string]*huma.Response {
	content := func(media string, s *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{media: {Schema: s}}
	}
	problem := m.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	return map[string]*huma.Response{
		"200":     {Description: "OK", Content: content(media, schema)},
		"default": {Description: "Error", Content: content("application/problem+json", problem)},
	}
}
