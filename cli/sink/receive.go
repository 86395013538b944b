package sink

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/textproto"
)

// headMax is how much of a message is looked through for its subject.
const headMax = 64 << 10

// cannotKeep is a message that could not be written to its file.
type cannotKeep struct{ err error }

func (e *cannotKeep) Error() string { return e.err.Error() }

// receive reads the content, fills in what it learns about m and keeps it.
func (s *Sink) receive(m *Message, r io.Reader) error {
	head := &start{}
	if s.cfg.Folder == nil {
		n, err := io.Copy(head, r)
		m.Size, m.Subject = n, subject(head.text)
		return err
	}
	f, err := s.cfg.Folder.create(m)
	if err != nil {
		return &cannotKeep{err}
	}
	defer f.discard()
	n, err := io.Copy(f, io.TeeReader(r, head))
	if f.err != nil {
		return &cannotKeep{f.err}
	}
	if err != nil {
		return err
	}
	m.Size, m.Subject = n, subject(head.text)
	if m.File, err = f.keep(m); err != nil {
		return &cannotKeep{err}
	}
	return nil
}

// subject of a message whose header begins so; "" where there is none.
func subject(head []byte) string {
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(head))).ReadMIMEHeader() // as far as it goes
	raw := h.Get("Subject")
	text, err := new(mime.WordDecoder).DecodeHeader(raw)
	if err != nil { // a character set that nobody knows
		return raw
	}
	return text
}

// start keeps the first headMax octets of what is written to it.
type start struct{ text []byte }

// Write implements io.Writer.
func (s *start) Write(p []byte) (int, error) {
	s.text = append(s.text, p[:min(len(p), headMax-len(s.text))]...)
	return len(p), nil
}
