package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"relay/store/mailsyntax"
)

// Limits of one reply. RFC 5321 §4.5.3.1.5 has 512 octets a line; some say more.
const (
	maxReplyLines  = 100
	maxReplyOctets = 64 << 10
	maxReplyText   = 1000 // kept
)

// replyReader reads replies (RFC 5321 §4.2.1), also odd ones: lines ended by LF
// alone, codes without text, lines without a code between lines with one, and
// codes that change, of which the last counts, whatever its class.
type replyReader struct {
	br   *bufio.Reader
	text []byte // of the reply being read
	long []byte // start of a line that is longer than br's buffer
}

func (p *replyReader) read(full bool, each func([]byte)) (Reply, error) {
	var r Reply
	p.text = p.text[:0]
	octets := 0
	for lines := 0; ; lines++ {
		line, n, err := p.line(maxReplyOctets - octets)
		octets += n
		if err != nil {
			if err == io.EOF && octets > 0 {
				err = io.ErrUnexpectedEOF
			}
			return Reply{}, err
		}
		if lines >= maxReplyLines {
			return Reply{}, ErrReplyLength
		}
		code, more, text := splitLine(line)
		switch {
		case code == 0 && r.Code == 0:
			return Reply{}, ErrProtocol
		case code == 0:
			more = true // a stray line inside a reply
		case r.Code/100 != code/100: // of another class: the enhanced codes so far are not about it
			r.Code, r.Enhanced = code, [3]int{}
		default:
			r.Code = code
		}
		enhanced, text := cutEnhanced(text)
		if r.Enhanced[0] == 0 {
			r.Enhanced = enhanced
		}
		if each != nil {
			each(text)
		}
		if full || more || r.Code >= 400 {
			p.keep(text)
		}
		if !more {
			break
		}
	}
	if r.Enhanced[0] != 0 {
		r.Enhanced[0] = r.Code / 100 // 550 4.1.1 is 5.1.1: the basic code is the one all agree on
	}
	if full || r.Code >= 400 {
		r.Text = string(p.text)
	}
	return r, nil
}

// line is the next line without its end, of which everything past br's buffer
// is dropped, and the number of octets read. The line is valid until the next call.
func (p *replyReader) line(max int) ([]byte, int, error) {
	b, err := p.br.ReadSlice('\n')
	n := len(b)
	if errors.Is(err, bufio.ErrBufferFull) {
		p.long = append(p.long[:0], b...)
		for errors.Is(err, bufio.ErrBufferFull) && n <= max {
			b, err = p.br.ReadSlice('\n')
			n += len(b)
		}
		b = p.long
	}
	if n > max {
		return nil, n, ErrReplyLength
	}
	if err != nil {
		return nil, n, err
	}
	return bytes.TrimRight(b, " \t\r\n"), n, nil
}

// splitLine takes the code off; 0: there is none.
func splitLine(b []byte) (code int, more bool, text []byte) {
	if len(b) < 3 || b[0] < '2' || b[0] > '5' || !digit(b[1]) || !digit(b[2]) {
		return 0, false, b
	}
	code = int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0')
	if len(b) == 3 {
		return code, false, nil
	}
	switch b[3] {
	case '-':
		return code, true, b[4:]
	case ' ', '\t':
		return code, false, b[4:]
	}
	return 0, false, b
}

// cutEnhanced takes an enhanced code (RFC 2034 §4) off the front of b.
func cutEnhanced(b []byte) (e [3]int, rest []byte) {
	s := bytes.TrimLeft(b, " \t")
	if len(s) < 5 || s[0] != '2' && s[0] != '4' && s[0] != '5' || s[1] != '.' {
		return e, b
	}
	subject, s2, ok := number(s[2:])
	if !ok || len(s2) == 0 || s2[0] != '.' {
		return e, b
	}
	detail, s3, ok := number(s2[1:])
	if !ok || len(s3) > 0 && s3[0] != ' ' && s3[0] != '\t' {
		return e, b
	}
	return [3]int{int(s[0] - '0'), subject, detail}, bytes.TrimLeft(s3, " \t")
}

// number reads one to three digits.
func number(b []byte) (n int, rest []byte, ok bool) {
	i := 0
	for i < len(b) && i < 3 && digit(b[i]) {
		n = n*10 + int(b[i]-'0')
		i++
	}
	return n, b[i:], i > 0
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// keep adds a line to the text: printable, spaces single.
func (p *replyReader) keep(line []byte) {
	gap := len(p.text) > 0
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		line = line[n:]
		if r = mailsyntax.Shown(r); r == ' ' {
			gap = len(p.text) > 0
			continue
		}
		if len(p.text)+1+utf8.RuneLen(r) > maxReplyText {
			return
		}
		if gap {
			p.text = append(p.text, ' ')
			gap = false
		}
		p.text = utf8.AppendRune(p.text, r)
	}
}
