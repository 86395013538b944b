package content

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"relay/smtp/wire"
)

const (
	readSize  = 32 << 10 // octets of content taken from the connection at once
	writeSize = 4 << 10  // small pieces are collected up to here
	direct    = 512      // pieces of that length are written without a copy
	MaxText   = 998      // octets of a line without CRLF (RFC 5322 §2.1.1)
)

// Header judges the lines of a header section as they come.
type Header interface {
	// Field judges one line without its end; n is its length with its end. before goes out
	// in front of the line, drop removes it, and open says that the section goes on. Field
	// calls Pass.Refuse where it finds a fault.
	Field(text []byte, n int) (before []byte, drop, open bool)
	// End is called where content ends within the section. Its result goes out.
	End() []byte
}

// Pass is the one pass over a message as it arrives. It removes the dots of dot-stuffing
// (RFC 5321 §4.5.2), turns bare LF into CRLF, refuses bare CR, NUL and lines over 998 octets
// (or MaxLine), lets Header judge the header section and hands on the rest untouched. The
// result does not depend on how the message was cut into pieces.
//
// Only CRLF.CRLF ends the message. A line that ends in bare LF is a line like others, and the
// dot at the beginning of the next line is removed; but a lone dot there ends nothing.
type Pass struct {
	W       io.Writer
	Max     int64   // octets of content
	MaxLine int     // octets of a line without its end; 0: MaxText
	Dots    bool    // dot-stuffed: DATA, not BDAT
	Header  Header  // nil: the header section passes untouched
	Order   []error // faults; of several the first in this order is told
	Discard func()  // called at the first fault, to free what was handed on; nil: there is nothing to free

	Size  int64 // octets as handed over: dots not doubled, without the final dot
	Eight bool  // octets above 127
	Fault error // why the message is refused; the rest of it is only counted

	buf  []byte // readSize
	r, e int    // buf[r:e] is not looked at yet, and has no LF when more is read
	out  []byte // small pieces on their way to W

	open   bool // still in the header section
	after  bool // CRLF stands before the line, or it is the first
	inLine bool // the beginning of this over-long line was thrown away
}

// Begin makes p ready for a message, and hands on trace in front of it. The caller sets the
// exported fields before, except for the results. The memory of an earlier message is reused.
func (p *Pass) Begin(trace func([]byte) []byte) {
	if p.buf == nil {
		p.buf, p.out = make([]byte, readSize), make([]byte, 0, writeSize)
	}
	*p = Pass{W: p.W, Max: p.Max, MaxLine: cmp.Or(p.MaxLine, MaxText), Dots: p.Dots, Header: p.Header, Order: p.Order, Discard: p.Discard,
		buf: p.buf, out: p.out[:0], open: p.Header != nil, after: true}
	p.out = trace(p.out)
}

// Release forgets the message and keeps the memory.
func (p *Pass) Release() { *p = Pass{buf: p.buf, out: p.out[:0]} }

// Space returns the buffer for the next octets, which is never empty.
func (p *Pass) Space() []byte {
	if p.r > 0 {
		p.e = copy(p.buf, p.buf[p.r:p.e])
		p.r = 0
	}
	if p.e == len(p.buf) { // no line is that long
		p.Refuse(wire.ErrLongLine)
		p.Size += int64(p.e)
		p.inLine, p.e = true, 0
		if p.buf[len(p.buf)-1] == '\r' {
			p.buf[0], p.e = '\r', 1
			p.Size--
		}
	}
	return p.buf[p.e:]
}

// Filled takes n octets that were put into Space and reports whether the message has
// ended. Octets that follow it are Rest.
func (p *Pass) Filled(n int) (done bool) {
	end := p.e + bytes.LastIndexByte(p.buf[p.e:p.e+n], '\n') + 1 // only what is new: a line may come octet by octet
	if p.e += n; end == p.e-n {
		return false
	}
	block := p.buf[p.r:end]
	n, done = p.lines(block)
	p.octets(block[:n])
	p.r += n
	if p.Size > p.Max {
		p.Refuse(wire.ErrTooLarge)
	}
	return done
}

// Rest returns the octets that were read beyond the end of the message.
func (p *Pass) Rest() []byte { return p.buf[p.r:p.e] }

// lines handles whole lines. It returns how many octets of them it took and whether the last
// line was the final dot.
func (p *Pass) lines(block []byte) (n int, done bool) {
	run, crs := 0, 0 // block[run:pos] waits to be written; CRs that have their LF
	for pos := 0; pos < len(block); {
		i := bytes.IndexByte(block[pos:], '\n')
		from, nl := pos, pos+i
		crlf := i > 0 && block[nl-1] == '\r'
		if p.Dots && block[pos] == '.' && !p.inLine {
			if p.after && crlf && i == 2 {
				crs++
				p.Size -= 3
				p.write(block[run:pos])
				n, done = nl+1, true
				break
			}
			p.Size--
			p.write(block[run:pos])
			run, from = pos+1, pos+1
		}
		text := block[from:nl]
		if crlf {
			crs++
			text = block[from : nl-1]
		}
		if len(text) > p.MaxLine {
			p.Refuse(wire.ErrLongLine)
		}
		pos = nl + 1
		p.after = crlf
		if p.open && !p.inLine {
			before, drop, open := p.Header.Field(text, i+1)
			p.open = open
			if drop || len(before) > 0 {
				p.write(block[run:from])
				p.write(before)
				run = from
			}
			if drop {
				run = pos
				continue
			}
		}
		p.inLine = false
		if !crlf {
			p.write(block[run:nl])
			p.write(crlfOctets)
			run = pos
		}
		n = pos
	}
	if !done {
		n = len(block)
		p.write(block[run:])
	}
	p.Size += int64(n)
	if bytes.Count(block[:n], crOctet) != crs {
		p.Refuse(wire.ErrBareCR)
	}
	return n, done
}

var (
	crlfOctets = []byte("\r\n")
	crOctet    = []byte("\r")
)

// octets looks for NUL and for octets above 127, 32 at a time.
func (p *Pass) octets(b []byte) {
	const lo, hi = 0x0101010101010101, 0x8080808080808080
	var nul, all uint64
	for ; len(b) >= 32; b = b[32:] {
		v := binary.LittleEndian.Uint64(b)
		w := binary.LittleEndian.Uint64(b[8:])
		x := binary.LittleEndian.Uint64(b[16:])
		y := binary.LittleEndian.Uint64(b[24:])
		all |= v | w | x | y
		nul |= (v-lo)&^v | (w-lo)&^w | (x-lo)&^x | (y-lo)&^y
	}
	for _, c := range b {
		all |= uint64(c)
		if c == 0 {
			nul |= hi
		}
	}
	p.Eight = p.Eight || all&hi != 0
	if nul&hi != 0 {
		p.Refuse(wire.ErrNUL)
	}
}

// Finish ends the message and hands on what was collected. After BDAT the last line may lack
// its LF; it gets its CRLF.
func (p *Pass) Finish() error {
	if tail := p.buf[p.r:p.e]; !p.Dots && len(tail) > 0 {
		if tail[len(tail)-1] == '\r' {
			p.Refuse(wire.ErrBareCR)
		}
		block := append(tail, '\n') // space is never empty, so there is room for it
		p.lines(block)
		p.octets(block)
		p.Size--
		p.r = p.e
	}
	if p.Size > p.Max {
		p.Refuse(wire.ErrTooLarge)
	}
	if p.open {
		p.open = false
		p.write(p.Header.End())
	}
	p.flush()
	return p.Fault
}

// Refuse makes err the fault, unless the fault so far comes before it in Order.
func (p *Pass) Refuse(err error) {
	if p.Fault == nil || slices.Index(p.Order, err) < slices.Index(p.Order, p.Fault) {
		p.spoil(err)
	}
}

// spoil makes err the fault.
func (p *Pass) spoil(err error) {
	if p.Fault == nil && p.Discard != nil {
		p.Discard()
	}
	p.Fault = err
}

// write hands on b; short pieces are collected.
func (p *Pass) write(b []byte) {
	if len(b) > direct {
		p.flush()
		p.pass(b)
		return
	}
	if len(p.out)+len(b) > writeSize {
		p.flush()
	}
	p.out = append(p.out, b...)
}

func (p *Pass) flush() {
	if len(p.out) > 0 {
		p.pass(p.out)
		p.out = p.out[:0]
	}
}

func (p *Pass) pass(b []byte) {
	if p.Fault != nil {
		return
	}
	if _, err := p.W.Write(b); err != nil {
		p.spoil(err)
	}
}
