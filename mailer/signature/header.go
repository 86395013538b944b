package signature

import (
	"bytes"
	"errors"
	"io"
	"net/mail"
	"strings"

	"relay/mailer/route"
	"relay/mailer/sign"
	"relay/store/spooled"
)

var errLongHeader = errors.New("the header section is too long to be signed")

// header reads a message's header section, with the blank line where it has one.
func (s *Signatures) header(id spooled.ID) ([]byte, error) {
	body := s.spool.Bodies.Open(id)
	defer func() { _ = body.Close() }()
	b := make([]byte, 0, headerAtFirst)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := body.Read(b[len(b):cap(b)])
		from := max(len(b)-len(blankLine), 0)
		b = b[:len(b)+n]
		if i := bytes.Index(b[from:], blankLine); i >= 0 {
			return b[:from+i+len(blankLine)], nil
		}
		switch {
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		case len(b) > mostHeader:
			return nil, errLongHeader
		}
	}
}

var blankLine = []byte("\r\n\r\n")

// fromDomain is the domain of the first author, in lower case A-labels; "": there is none.
func fromDomain(header []byte) string {
	from, _ := sign.Value(header, "From")
	address := ""
	switch list, err := mail.ParseAddressList(from); {
	case err != nil: // receivers read less strictly than the parser
		address, _, _ = strings.Cut(from[strings.LastIndexByte(from, '<')+1:], ">")
	case len(list) > 0: // a group may be empty
		address = list[0].Address
	}
	domain, _ := route.DomainOf(strings.TrimSpace(address))
	return domain
}
