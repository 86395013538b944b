package sink

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/textproto"
)

// headMax is how many octets of a message are searched for its subject.
const headMax = 64 << 10

// keepError says why a message could not be written to its file.
type keepError struct{ err error }

func (e *keepError) Error() string { return e.err.Error() }

// receive reads the content, sets size, subject and file of m, and writes the content to
// the folder if there is one.
func (s *Sink) receive(m *Message, r io.Reader) error {
	head := &start{}
	if s.cfg.Folder == nil {
		n, err := io.Copy(head, r)
		m.Size, m.Subject = n, subject(head.text)
		return err
	}
	f, err := s.cfg.Folder.create(m)
	if err != nil {
		return &keepError{err}
	}
	defer f.discard()
	n, err := io.Copy(f, io.TeeReader(r, head))
	if f.err != nil {
		return &keepError{f.err}
	}
	if err != nil {
		return err
	}
	m.Size, m.Subject = n, subject(head.text)
	if m.File, err = f.keep(m); err != nil {
		return &keepError{err}
	}
	return nil
}

// subject of a message that begins with head; "" if it has none.
func subject(head []byte) string {
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(head))).ReadMIMEHeader() // an incomplete header will do
	raw := h.Get("Subject")
	text, err := new(mime.WordDecoder).DecodeHeader(raw)
	if err != nil { // an unknown character set
		return raw
	}
	return text
}

// start keeps the first headMax octets written to it.
type start struct{ text []byte }

// Write implements io.Writer.
func (s *start) Write(p []byte) (int, error) {
	s.text = append(s.text, p[:min(len(p), headMax-len(s.text))]...)
	return len(p), nil
}
