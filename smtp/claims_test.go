package smtp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/smtp/align"
	"relay/store/books"
	"relay/store/remark"
)

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
		f := start(t, setup{dns: noSenders{time.Second}, account: func(a *books.Account) { a.Auth = books.AuthRefuse }})
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
		f := start(t, setup{dns: noSenders{time.Hour}, account: func(a *books.Account) { a.Auth = books.AuthRefuse }})
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
		list, err := f.st.Remarks.Of("acme", "")
		if err != nil || len(list) != 2 || list[0].Kind != remark.Sent+"google" || list[0].Count != 2 ||
			list[1].Kind != remark.Unsigned || list[1].Domain != "shop.example" || list[1].Count != 2 || list[1].Policy != "reject" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
