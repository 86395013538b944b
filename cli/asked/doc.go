// Package asked takes mail to test@ and errors@. It judges the mail as a receiver would;
// package answers decides who gets an answer.
//
//  1. Mail that a program wrote by itself, and the null sender, are not answered. A customer's
//     own mail is judged more mildly: a newsletter is what is tested.
//  2. SPF, DKIM and DMARC of mail from outside are judged as it came in. For mail that a
//     customer hands over they are what receivers will see: SPF for the addresses that mail leaves from, and
//     the signature that is added on the way.
//  3. What should be mended follows from that.
//
// Nothing is kept. Where the DNS does not answer, mail from outside is put off: its sender
// comes again.
package asked

import (
	"context"
	"errors"
	"io"
	"net/netip"

	"relay/report/answers"
	"relay/smtp/authres"
	"relay/smtp/backmail"
	"relay/store"
)

// Desk takes the mail.
type Desk struct {
	Store     *store.Store
	Answers   *answers.Answerer
	Host      string // name of the relay
	Addresses backmail.Names
	Names     func() (authres.Names, error)

	// Leaves is an address that the account's mail leaves from, as the world sees it; not
	// valid: nobody knows.
	Leaves func(ctx context.Context) netip.Addr
}

// errSilent has the sender come again.
var errSilent = errors.New("the DNS does not answer")

// Answer implements backmail.Handler.
func (d *Desk) Answer(ctx context.Context, in *backmail.Incoming) error {
	kind, _ := d.Addresses.Find(in.Recipient)
	m := &mail{Desk: d, in: in, sent: in.Account != ""}
	if quiet, err := m.unasked(); quiet || err != nil {
		return err
	}
	names, err := d.Names()
	if err != nil {
		return err
	}
	body := in.Body.Open()
	defer body.Close()
	r, err := authres.Check(ctx, names, m.envelope(ctx), body)
	if err != nil {
		return err
	}
	if r.Temporary && !m.sent {
		return errSilent
	}
	q := m.question(r)
	if kind == backmail.Errors {
		return d.Answers.Errors(ctx, q)
	}
	return d.Answers.Test(q)
}

// open reads the content from its beginning.
func (m *mail) open() io.ReadCloser { return m.in.Body.Open() }
