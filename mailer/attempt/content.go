package attempt

import (
	"io"

	"relay/store/bodies"
)

// sign makes the signature of an attempt's message, where no other attempt has.
func (a *attempt) sign() {
	made, err := a.signing.Sign()
	if err != nil {
		a.m.signatures.Failed(a.job.Message, err)
	}
	a.signature = made
}

// signed is a message behind its signature, which is made when the message is read. It is
// read through WriteTo where the reader knows that, as the store's is.
type signed struct {
	attempt *attempt // nil: head has what is left of the signature
	head    string
	body    *bodies.Reader
}

// begin makes the signature.
func (s *signed) begin() {
	if s.attempt != nil {
		s.attempt.sign()
		s.head, s.attempt = s.attempt.signature.Fields, nil
	}
}

// Read implements io.Reader.
func (s *signed) Read(p []byte) (int, error) {
	if s.begin(); s.head != "" {
		n := copy(p, s.head)
		s.head = s.head[n:]
		return n, nil
	}
	return s.body.Read(p)
}

// WriteTo implements io.WriterTo.
func (s *signed) WriteTo(w io.Writer) (int64, error) {
	s.begin()
	n, err := io.WriteString(w, s.head)
	s.head = s.head[n:]
	if err != nil {
		return int64(n), err
	}
	more, err := s.body.WriteTo(w)
	return int64(n) + more, err
}
