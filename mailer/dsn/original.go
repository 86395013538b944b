package dsn

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"relay/store/mailsyntax"
)

// MaxHeader is the most that ReadHeader returns of a header.
const MaxHeader = 64 << 10

// ReadHeader reads the header of a message from r, without the empty line that
// ends it, cut at MaxHeader.
func ReadHeader(r io.Reader) ([]byte, error) {
	b := make([]byte, 0, 4<<10)
	for len(b) < MaxHeader {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), MaxHeader)])
		from := max(0, len(b)-3)
		b = b[:len(b)+n]
		if i := bytes.Index(b[from:], []byte("\r\n\r\n")); i >= 0 {
			return b[:from+i+2], nil
		}
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b[:bytes.LastIndexByte(b, '\n')+1], nil
}

// header is the part of a message before the first empty line.
func header(b []byte) []byte {
	if bytes.HasPrefix(b, []byte("\r\n")) {
		return nil
	}
	if i := bytes.Index(b, []byte("\r\n\r\n")); i >= 0 {
		return b[:i+2]
	}
	return b
}

// returned is the original, or its header, as a part (RFC 3464 §2, RFC 6533 §4).
func (p *Params) returned(utf8Path bool) part {
	h := tidy(header(p.Original), true)
	content, kind, global := h, "text/rfc822-headers", "message/global-headers"
	if p.Full {
		content = append(h[:len(h):len(h)], tidy(p.Original[len(header(p.Original)):], false)...)
		kind, global = "message/rfc822", "message/global"
	}
	international := !mailsyntax.IsASCII(h) && utf8.Valid(h)
	if international {
		kind = global
	}
	pt := part{kind: kind, about: "Message header", body: content}
	if p.Full {
		pt.about = "Message"
	}
	// message/rfc822 must not be encoded (RFC 2046 §5.2.1), the others may be.
	pt.encode(utf8Path || p.Full && !international)
	return pt
}

// tidy makes every line end in CRLF and cuts those that are longer than
// SMTP allows; in a header the rest goes on as a folded line.
func tidy(b []byte, fold bool) []byte {
	out := make([]byte, 0, len(b)+64)
	for len(b) > 0 {
		i := bytes.IndexAny(b, "\r\n")
		line, rest := b, []byte(nil)
		if i >= 0 {
			line, rest = b[:i], b[i+1:]
			if b[i] == '\r' && len(rest) > 0 && rest[0] == '\n' {
				rest = rest[1:]
			}
		}
		if !fold || len(line) > 0 { // no empty line ends a header too early
			out = appendCut(out, line, fold)
		}
		b = rest
	}
	return out
}

// maxLine is the longest line without its CRLF (RFC 5321 §4.5.3.1.6).
const maxLine = 998

func appendCut(out, line []byte, fold bool) []byte {
	room := maxLine
	for len(line) > room {
		n := room
		for n > room-utf8.UTFMax && !utf8.RuneStart(line[n]) {
			n--
		}
		out = append(append(out, line[:n]...), '\r', '\n')
		line = line[n:]
		if room = maxLine; fold {
			out = append(out, ' ')
			room--
		}
	}
	return append(append(out, line...), '\r', '\n')
}
