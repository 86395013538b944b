package control

import (
	"encoding/json"
	"io"
	"net/http"
)

// pieces are gathered up to this size before they go out.
const pieceSize = 32 << 10

// frameWriter makes frames of what a command writes, in the order in which it
// does so. A command writes from one goroutine.
type frameWriter struct {
	enc   *json.Encoder
	flush *http.ResponseController
	piece []byte // what is not sent yet
	isErr bool   // it is standard error
	err   error
}

func newFrameWriter(w io.Writer, c *http.ResponseController) *frameWriter {
	return &frameWriter{enc: json.NewEncoder(w), flush: c}
}

func (f *frameWriter) stream(isErr bool) io.Writer { return stream{f, isErr} }

type stream struct {
	*frameWriter
	isErr bool
}

func (s stream) Write(p []byte) (int, error) {
	if s.isErr != s.frameWriter.isErr {
		s.send()
		s.frameWriter.isErr = s.isErr
	}
	s.piece = append(s.piece, p...)
	if len(s.piece) >= pieceSize {
		s.send()
	}
	return len(p), s.err
}

// Flush sends what was written, for a writer that writes now and then.
func (s stream) Flush() { s.send() }

func (f *frameWriter) send() {
	if len(f.piece) == 0 || f.err != nil {
		return
	}
	if f.isErr {
		f.err = f.enc.Encode(frame{Err: f.piece})
	} else {
		f.err = f.enc.Encode(frame{Out: f.piece})
	}
	f.piece = f.piece[:0]
	if f.err == nil {
		f.err = f.flush.Flush()
	}
}

func (f *frameWriter) end(code int) {
	f.send()
	if f.err == nil {
		_ = f.enc.Encode(frame{Code: &code}) // a client that went away needs no answer
	}
}
