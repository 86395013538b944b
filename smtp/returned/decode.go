package returned

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
)

// decoded returns a sink that undoes a Content-Transfer-Encoding (RFC 2045 §6) before to.
func decoded(encoding string, to sink) sink {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return &fromBase64{to: to}
	case "quoted-printable":
		return &fromQuoted{to: to}
	}
	return to
}

// fromBase64 skips what is not of the alphabet, as RFC 2045 §6.8 has it.
type fromBase64 struct {
	to   sink
	four [4]byte
	n    int
	out  [chunk]byte
}

func (d *fromBase64) write(b []byte) {
	out := d.out[:0]
	for _, c := range b {
		if !isBase64(c) {
			continue
		}
		d.four[d.n] = c
		if d.n++; d.n == 4 {
			d.n = 0
			n, _ := base64.StdEncoding.Decode(out[len(out):len(out)+3], d.four[:]) // a fault ends in what could be decoded
			out = out[:len(out)+n]
		}
	}
	d.to.write(out)
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '='
}

// fromQuoted leaves as it is what is no code (RFC 2045 §6.7). A code that two pieces of a very
// long line share stays undecoded.
type fromQuoted struct {
	to  sink
	out [chunk]byte
}

func (d *fromQuoted) write(b []byte) {
	line := trimEnd(b)
	ended := len(line) < len(b)
	if ended {
		line = []byte(strings.TrimRight(string(line), " \t"))
	}
	out := d.out[:0]
	for i := 0; i < len(line); i++ {
		switch hi, lo := nibble(line, i+1), nibble(line, i+2); {
		case line[i] == '=' && i == len(line)-1 && ended: // soft line break
			d.to.write(out)
			return
		case line[i] == '=' && hi >= 0 && lo >= 0:
			out = append(out, byte(hi<<4|lo))
			i += 2
		default:
			out = append(out, line[i])
		}
	}
	if ended && len(out) < cap(out) {
		out = append(out, '\n')
	}
	d.to.write(out)
}

// nibble is the hexadecimal digit at i, -1 where there is none.
func nibble(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// inUTF8 reads text in a charset. What cannot be read is replaced; an unknown charset is read
// as UTF-8 if it is that, else as Windows-1252.
func inUTF8(b []byte, charset string) string {
	charset = strings.ToLower(strings.TrimSpace(charset))
	if (charset == "" || charset == "utf-8" || charset == "us-ascii") && utf8.Valid(b) {
		return string(b)
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		if utf8.Valid(b) {
			return string(b)
		}
		enc, _ = htmlindex.Get("windows-1252")
	}
	out, _, _ := transform.Bytes(enc.NewDecoder(), b) // what was decoded before a fault counts
	return strings.ToValidUTF8(string(out), "\uFFFD")
}
