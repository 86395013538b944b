package content

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"relay/smtp/align"
)

// What the judge hears of a header, however it was folded and cut into pieces.
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         string // From, signers, whether one can unsubscribe
	}{
		{"plain", "From: Shop <a@shop.example>\r\nTo: b@c.example\r\n", "Shop <a@shop.example>, [], false"},
		{"folded", "From: Shop\r\n <a@shop.example>\r\nDKIM-Signature: v=1; a=rsa-sha256;\r\n\td=shop.example;\r\n\ts=x; b=AA\r\n BB\r\nX: d=other.example\r\n", "Shop <a@shop.example>, [shop.example], false"},
		{"two signatures at the end", "From: a@b.example\r\nDKIM-Signature: d=b.example\r\ndkim-signature: v=1;\r\n d=esp.example\r\n", "a@b.example, [b.example esp.example], false"},
		{"both fields of a list", "From: a@b.example\r\nList-Unsubscribe: <https://b.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "a@b.example, [], true"},
		{"one of them", "From: a@b.example\r\nList-Unsubscribe: <mailto:u@b.example>\r\n", "a@b.example, [], false"},
		{"a From without a value first", "From:\r\nFrom: a@b.example\r\n", "a@b.example, [], false"},
		{"a From whose value comes late", "From:\r\n a@b.example\r\n", "a@b.example, [], false"},
		{"twice the same", "From: a@b.example\r\nFrom: a@b.example\r\n", "a@b.example, [], false"},
	} {
		for _, piece := range []int{1, 7, 4096} {
			o := testOptions
			o.Claims = &align.Message{}
			p := Submit(io.Discard, o)
			r := &portions{strings.NewReader(c.header + "\r\ntext: d=no.example\r\nDKIM-Signature: d=no.example\r\n.\r\n"), piece}
			for done := false; !done; {
				n, err := r.Read(p.Space())
				if err != nil {
					t.Fatal(err)
				}
				done = p.Filled(n)
			}
			if err := p.Finish(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			m := p.Claims()
			if got := fmt.Sprintf("%s, %v, %v", m.From, m.Signers, m.Unsubscribe); got != c.want {
				t.Errorf("%s, %d at once: %s, want %s", c.name, piece, got, c.want)
			}
			p.Free()
		}
	}
}

// portions reads a few octets at a time.
type portions struct {
	io.Reader
	n int
}

func (p *portions) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.n)]) }
