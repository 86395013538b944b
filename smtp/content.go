package smtp

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"sync"
)

const (
	readSize  = 32 << 10 // octets of content taken from the connection at once
	writeSize = 4 << 10  // small pieces are collected up to here
	direct    = 512      // pieces of that length are written without a copy
	maxText   = 998      // octets of a line without CRLF (RFC 5322 §2.1.1)
)

// content is the one pass over a message as it arrives. It takes dots away
// (RFC 5321 §4.5.2), turns bare LF into CRLF, refuses bare CR, NUL and lines
// over 998 octets, completes the header and hands the rest on untouched. What it
// does is independent of how the message was cut into pieces.
//
// Only CRLF.CRLF ends it. A line that ends in bare LF is one like others, and a dot
// at the beginning of the next is taken away; but a lone dot there ends nothing.
type content struct {
	header
	w   io.Writer
	max int64 // octets of content

	buf  []byte // readSize
	r, e int    // buf[r:e] is not looked at yet, and has no LF when more is asked for
	out  []byte // small pieces on their way to w

	dots    bool   // dot-stuffed: DATA, not BDAT
	after   bool   // CRLF stands before the line, or it is the first
	inLine  bool   // the beginning of this over-long line is thrown away already
	size    int64  // octets as handed over: dots not doubled, without the final dot
	eight   bool   // octets above 127
	fault   error  // why it is refused; what still comes is only counted
	discard func() // called at the first fault, to free what was handed on; nil: nothing is to be done
}

var contents = sync.Pool{New: func() any {
	return &content{buf: make([]byte, readSize), out: make([]byte, 0, writeSize)}
}}

// newContent begins a message that goes to w. Give it back with free.
func newContent(w io.Writer, dots bool, max int64, h header) *content {
	p := contents.Get().(*content)
	h.open, h.before = true, p.before[:0]
	*p = content{header: h, w: w, max: max, buf: p.buf, out: p.out[:0], dots: dots, after: true}
	p.out = p.appendTrace(p.out)
	return p
}

func (p *content) free() {
	p.w, p.discard = nil, nil
	p.header = header{before: p.before}
	if cap(p.before) > writeSize {
		p.before = nil
	}
	contents.Put(p)
}

// space is where the next octets are to be put, never empty.
func (p *content) space() []byte {
	if p.r > 0 {
		p.e = copy(p.buf, p.buf[p.r:p.e])
		p.r = 0
	}
	if p.e == len(p.buf) { // no line is that long
		p.refuse(errLongLine)
		p.size += int64(p.e)
		p.inLine, p.e = true, 0
		if p.buf[len(p.buf)-1] == '\r' {
			p.buf[0], p.e = '\r', 1
			p.size--
		}
	}
	return p.buf[p.e:]
}

// filled takes n octets that were put into space and reports whether the
// message has ended; what follows it is rest.
func (p *content) filled(n int) (done bool) {
	end := p.e + bytes.LastIndexByte(p.buf[p.e:p.e+n], '\n') + 1 // only what is new: a line may come octet by octet
	if p.e += n; end == p.e-n {
		return false
	}
	block := p.buf[p.r:end]
	n, done = p.lines(block)
	p.octets(block[:n])
	p.r += n
	if p.size > p.max {
		p.refuse(errTooLarge)
	}
	return done
}

// rest is what was read beyond the end of the message.
func (p *content) rest() []byte { return p.buf[p.r:p.e] }

// lines handles whole lines and reports how many octets of them it took and
// whether the last one was the final dot.
func (p *content) lines(block []byte) (n int, done bool) {
	run, crs := 0, 0 // block[run:pos] waits to be written; CRs that have their LF
	for pos := 0; pos < len(block); {
		i := bytes.IndexByte(block[pos:], '\n')
		from, nl := pos, pos+i
		crlf := i > 0 && block[nl-1] == '\r'
		if p.dots && block[pos] == '.' && !p.inLine {
			if p.after && crlf && i == 2 {
				crs++
				p.size -= 3
				p.write(block[run:pos])
				n, done = nl+1, true
				break
			}
			p.size--
			p.write(block[run:pos])
			run, from = pos+1, pos+1
		}
		text := block[from:nl]
		if crlf {
			crs++
			text = block[from : nl-1]
		}
		if len(text) > maxText {
			p.refuse(errLongLine)
		}
		pos = nl + 1
		p.after = crlf
		if p.open && !p.inLine {
			v := p.field(text, i+1)
			if v == drop || len(p.before) > 0 {
				p.write(block[run:from])
				p.write(p.before)
				run = from
			}
			if v == drop {
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
	p.size += int64(n)
	if bytes.Count(block[:n], crOctet) != crs {
		p.refuse(errBareCR)
	}
	return n, done
}

var (
	crlfOctets = []byte("\r\n")
	crOctet    = []byte("\r")
)

// octets looks for what may not be there, eight at a time.
func (p *content) octets(b []byte) {
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
	p.eight = p.eight || all&hi != 0
	if nul&hi != 0 {
		p.refuse(errNUL)
	}
}

// finish ends the message and hands on what was collected. After BDAT a last
// line may have no LF; it gets its CRLF.
func (p *content) finish() error {
	if tail := p.buf[p.r:p.e]; !p.dots && len(tail) > 0 {
		if tail[len(tail)-1] == '\r' {
			p.refuse(errBareCR)
		}
		block := append(tail, '\n') // space is never empty, so there is room for it
		p.lines(block)
		p.octets(block)
		p.size--
		p.r = p.e
	}
	if p.size > p.max {
		p.refuse(errTooLarge)
	}
	if p.open {
		p.before = p.before[:0]
		p.endText()
		p.judge()
		p.write(p.before)
	}
	p.flush()
	return p.fault
}

// faults of content; of several the first in this order is told.
var faults = []error{errBareCR, errNUL, errLongLine, errHeaderSize, errLoop,
	errDiffer[fromField], errDiffer[dateField], errDiffer[subjectField], errDiffer[idField], errNoFrom, errTooLarge}

func (p *content) refuse(err error) {
	if p.fault == nil || slices.Index(faults, err) < slices.Index(faults, p.fault) {
		p.spoil(err)
	}
}

// spoil makes err the fault.
func (p *content) spoil(err error) {
	if p.fault == nil && p.discard != nil {
		p.discard()
	}
	p.fault = err
}

// write hands b on; short pieces wait for others.
func (p *content) write(b []byte) {
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

func (p *content) flush() {
	if len(p.out) > 0 {
		p.pass(p.out)
		p.out = p.out[:0]
	}
}

func (p *content) pass(b []byte) {
	if p.fault != nil {
		return
	}
	if _, err := p.w.Write(b); err != nil {
		p.spoil(err)
	}
}
