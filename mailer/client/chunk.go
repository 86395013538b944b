package client

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"
)

// maxChunk is how large a content may be that goes by BDAT. It leaves as one chunk
// whose octets are known before its command is sent, so it has to be in memory: with
// the commands around it no more than a block. What is larger goes by DATA, which
// costs no more: its time is that of the content.
const maxChunk = blockSize - maxFlight - 64

// sendChunk sends the content by BDAT (RFC 3030 §2). Content that is not as long as
// the envelope says, or whose lines do not end in CRLF, goes by DATA after all.
func (t *transaction) sendChunk(content io.Reader) *ConnError {
	c := t.c
	c.moves()
	if !c.enter(phaseContent) {
		return c.fail(StageContent, Reply{}, ErrInterrupted)
	}
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	b, head, err := t.readChunk((*block)[:0], content)
	if err != nil {
		return t.broken(err)
	}
	if body := b[head:]; int64(len(body)) != t.e.Size || !crlfLines(body) {
		t.chunk = false
		if err := t.sayData(); err != nil {
			return err
		}
		return t.afterData(io.MultiReader(bytes.NewReader(body), content))
	}
	if !c.enter(phaseEnd) {
		return c.fail(StageContent, Reply{}, ErrInterrupted)
	}
	p := pace{conn: c.raw, times: &c.times, start: time.Now()}
	err = t.sendEnd(&p, b)
	t.res.Octets = max(p.sent-int64(head), 0)
	if err != nil {
		return t.broken(err)
	}
	return t.end()
}

// readChunk writes BDAT and its chunk, which begins at head. A content that is too
// long is cut off one octet too late.
func (t *transaction) readChunk(b []byte, content io.Reader) (chunk []byte, head int, err error) {
	b = append(b, "BDAT "...)
	b = append(strconv.AppendInt(b, t.e.Size, 10), " LAST\r\n"...)
	n, err := io.ReadFull(content, b[len(b):len(b)+int(t.e.Size)+1])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, 0, fmt.Errorf("%w: %w", ErrContent, err)
	}
	return b[:len(b)+n], len(b), nil
}

// crlfLines reports whether b consists of lines that end in CRLF, and has neither CR
// nor LF elsewhere.
func crlfLines(b []byte) bool {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 1 || b[i-1] != '\r' || bytes.IndexByte(b[:i-1], '\r') >= 0 {
			return false
		}
		b = b[i+1:]
	}
	return true
}

// judgeChunk closes the connection to a next hop that does not know BDAT though it
// offers CHUNKING: it may take the content for commands.
func (t *transaction) judgeChunk(r Reply) {
	c := t.c
	if t.res.Odd = baffled(r) || r.Code == 501; t.res.Odd {
		_ = c.Close()
		return
	}
	c.chunked = true
}
