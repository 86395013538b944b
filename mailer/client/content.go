package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// blockSize is how much content goes out in one write: two TLS records.
const blockSize = 32 << 10

var blocks = sync.Pool{New: func() any { b := make([]byte, 0, blockSize); return &b }}

// dotWriter sends content in blocks: lines end in CRLF, a dot at the start of a
// line is doubled (RFC 5321 §4.5.2), and a CR that is not part of a CRLF is an
// error, since some next hop will take it for the end of a line.
type dotWriter struct {
	send  func([]byte) error // takes a block
	buf   []byte
	begun bool // a line has begun
	cr    bool // the last octet was a CR, not written yet
}

var crlf = []byte("\r\n")

func (w *dotWriter) Write(p []byte) (int, error) {
	size := len(p)
	if w.cr && size > 0 {
		if p[0] != '\n' {
			return 0, ErrBareCR
		}
		w.cr, w.begun = false, false
		if err := w.add(crlf); err != nil {
			return 0, err
		}
		p = p[1:]
	}
	start := 0 // of what is not written yet
	for i := 0; i < len(p); {
		if p[i] == '.' && !w.begun { // written twice: once with what is before it, once again from start
			if err := w.add(p[start : i+1]); err != nil {
				return 0, err
			}
			start = i
		}
		n := bytes.IndexByte(p[i:], '\n')
		line := p[i:]
		if n >= 0 {
			line = p[i : i+n]
		}
		cr := bytes.IndexByte(line, '\r')
		switch {
		case cr >= 0 && cr != len(line)-1:
			return 0, ErrBareCR
		case n < 0: // the line goes on in the next Write
			w.begun, w.cr = true, cr >= 0
			i = len(p)
		case cr < 0: // LF alone
			if err := w.add(p[start : i+n]); err != nil {
				return 0, err
			}
			if err := w.add(crlf); err != nil {
				return 0, err
			}
			i += n + 1
			start, w.begun = i, false
		default:
			i += n + 1
			w.begun = false
		}
	}
	if w.cr {
		p = p[:len(p)-1]
	}
	if err := w.add(p[min(start, len(p)):]); err != nil {
		return 0, err
	}
	return size, nil
}

// add puts b into the block and sends blocks that are full.
func (w *dotWriter) add(b []byte) error {
	for len(b) > 0 {
		if len(w.buf) == cap(w.buf) {
			if err := w.flush(); err != nil {
				return err
			}
		}
		n := min(len(b), cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, b[:n]...)
		b = b[n:]
	}
	return nil
}

func (w *dotWriter) flush() error {
	err := w.send(w.buf)
	w.buf = w.buf[:0]
	return err
}

// finish ends the last line and the content. What is to leave behind it does so in
// the same write.
func (w *dotWriter) finish(last func(content []byte) error) error {
	end := ".\r\n"
	switch {
	case w.cr:
		return ErrBareCR
	case w.begun:
		end = "\r\n.\r\n"
	}
	if len(w.buf)+len(end) > cap(w.buf) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	return last(append(w.buf, end...))
}

// writeError is an error of the connection, as opposed to one of the reader.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// sendContent sends all of r and the final dot, and behind it the commands of the
// next transaction, where there is one. It says how much content that was.
func (t *transaction) sendContent(r io.Reader) (int64, error) {
	c := t.c
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	p := pace{conn: c.raw, times: &c.times, start: time.Now()}
	w := dotWriter{buf: (*block)[:0], send: func(b []byte) error {
		defer c.moves()
		return p.write(c.conn, b)
	}}
	err := copyContent(&w, r)
	switch {
	case err != nil:
	case !c.enter(phaseEnd):
		err = &writeError{ErrInterrupted}
	default:
		err = w.finish(func(b []byte) error { return t.sendEnd(&p, b) })
	}
	return p.sent, err
}

// sendEnd sends the end of a content, and in the write in which it ends the commands
// of the next transaction. That write is no longer than a flight, so that the next
// hop can read all of it before it answers.
func (t *transaction) sendEnd(p *pace, b []byte) error {
	c := t.c
	if c.in.br.Buffered() > 0 { // nobody has asked for it, and it would pass for the reply to the end
		return &writeError{ErrProtocol}
	}
	behind := t.begin()
	if len(behind) == 0 {
		return p.write(c.conn, b)
	}
	if n := len(b) + len(behind) - maxFlight; n > 0 {
		if err := p.write(c.conn, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	end := p.sent + int64(len(b))
	c.out = append(append(c.out[:0], b...), behind...)
	err := p.write(c.conn, c.out)
	c.out = c.out[:0]
	if p.sent >= end {
		err, p.sent = nil, end // the content is out: what becomes of it the reply will tell
	}
	if err == nil && t.ahead.Sent != nil {
		t.ahead.Sent()
	}
	return err
}

// copyContent tells errors of the reader by ErrContent.
func copyContent(w *dotWriter, r io.Reader) error {
	var err error
	if wt, ok := r.(io.WriterTo); ok {
		_, err = wt.WriteTo(w)
	} else {
		block := blocks.Get().(*[]byte)
		defer blocks.Put(block)
		_, err = io.CopyBuffer(struct{ io.Writer }{w}, r, (*block)[:blockSize])
	}
	if _, ok := errors.AsType[*writeError](err); err == nil || ok || errors.Is(err, ErrBareCR) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrContent, err)
}

// pace holds the next hop to the time of a block and to the rate of the whole.
type pace struct {
	conn  net.Conn
	times *Timeouts
	start time.Time
	sent  int64
}

func (p *pace) write(w io.Writer, b []byte) error {
	now := time.Now()
	deadline := now.Add(p.times.Block)
	floor := p.start.Add(p.times.Block + time.Duration(float64(p.sent+int64(len(b)))/float64(p.times.MinRate)*float64(time.Second)))
	slow := floor.Before(deadline)
	if slow {
		deadline = floor
	}
	err := p.conn.SetWriteDeadline(deadline)
	if err == nil {
		var n int
		n, err = w.Write(b)
		p.sent += int64(n)
	}
	if ne, ok := errors.AsType[net.Error](err); ok && slow && ne.Timeout() {
		err = ErrSlow
	}
	if err != nil {
		return &writeError{err}
	}
	return nil
}
