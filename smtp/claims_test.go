package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/smtp/align"
	"relay/store"
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
			h := testHeader
			h.claims.m = &align.Message{}
			p := newContent(io.Discard, true, 1<<30, h)
			r := &portions{strings.NewReader(c.header + "\r\ntext: d=no.example\r\nDKIM-Signature: d=no.example\r\n.\r\n"), piece}
			for done := false; !done; {
				n, err := r.Read(p.space())
				if err != nil {
					t.Fatal(err)
				}
				done = p.filled(n)
			}
			if err := p.finish(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			m := p.claims.m
			list := p.claims.list == listUnsubscribe|listUnsubscribePost
			if got := fmt.Sprintf("%s, %v, %v", strings.TrimSpace(string(m.From)), m.Signers, list); got != c.want {
				t.Errorf("%s, %d at once: %s, want %s", c.name, piece, got, c.want)
			}
			p.free()
		}
	}
}

// portions reads a few octets at a time.
type portions struct {
	io.Reader
	n int
}

func (p *portions) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.n)]) }

// noSenders is a DNS in which nobody lets relay send, after a while.
type noSenders struct{ slow time.Duration }

func (d noSenders) Standing(ctx context.Context, name string) (align.Standing, error) {
	select {
	case <-time.After(d.slow):
	case <-ctx.Done():
		return align.Standing{}, ctx.Err()
	}
	if name == "down.example" {
		return align.Standing{}, errors.New("no answer")
	}
	return align.Standing{Policy: "reject", Organization: name, SPF: align.SPFOther}, nil
}

// dataFrom sends a message with headers and wants a reply after its content.
func (c *client) dataFrom(header, want string) {
	c.t.Helper()
	c.do("MAIL FROM:<a@shop.example>", "250 2.1.0", "RCPT TO:<you@gmail.com>", "250 2.1.5", "DATA", "354 ", header+"\r\n\r\ntext\r\n.", want)
}

func TestSession_authRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, setup{dns: noSenders{time.Second}, account: func(a *store.Account) { a.Auth = store.AuthRefuse }})
		defer f.stop()
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.dataFrom("From: a@shop.example", "550 5.7.1 nothing proves that this mail is from shop.example")
		c.dataFrom("From: a@yahoo.com", "550 5.7.1 mail from yahoo.com is refused elsewhere")
		c.dataFrom("From: a@shop.example\r\nDKIM-Signature: v=1; d=shop.example", "250 2.0.0 queued as")
		c.dataFrom("From: a@down.example", "250 2.0.0 queued as")
		// what is not looked at of a long field, or cannot be read, may be what receivers see
		padding := strings.Repeat("\r\n "+strings.Repeat("x", 900), 5)
		c.dataFrom("DKIM-Signature: v=1; d=shop.example\r\nFrom: \"<a@shop.example>"+padding+"\"\r\n <ceo@bank.example>", "550 5.7.1 its From field cannot be read")
		c.dataFrom("From: ceo@bank.example, x", "550 5.7.1 its From field cannot be read")
	})
}

// A DNS that does not answer refuses nothing, and holds a message up for two seconds.
func TestSession_authRefuseWithoutDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, setup{dns: noSenders{time.Hour}, account: func(a *store.Account) { a.Auth = store.AuthRefuse }})
		defer f.stop()
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		begin := time.Now()
		c.dataFrom("From: a@shop.example", "250 2.0.0 queued as")
		if took := time.Since(begin); took != align.Patience {
			t.Errorf("it took %v", took)
		}
	})
}

// By default mail is taken at once, and remarked within a minute.
func TestSession_authWarn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, setup{dns: noSenders{time.Second}})
		defer f.stop()
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		begin := time.Now()
		c.dataFrom("From: a@shop.example", "250 2.0.0 queued as")
		c.dataFrom("X: y", "250 2.0.0 queued as") // From is made of the sender
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(2 * time.Minute)
		list, err := f.st.Remarks("acme", "")
		if err != nil || len(list) != 2 || list[0].Kind != store.RemarkSent+"google" || list[0].Count != 2 ||
			list[1].Kind != store.RemarkUnsigned || list[1].Domain != "shop.example" || list[1].Count != 2 || list[1].Policy != "reject" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
