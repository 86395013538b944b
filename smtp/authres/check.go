package authres

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/mail"
	"strings"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"

	"relay/store/maildomain"
	"relay/store/maildomain/dmarc"
)

// Check looks at a message. Its error is content's.
func Check(ctx context.Context, names Names, e Envelope, content io.Reader) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	c := &check{ctx: ctx, names: names, Result: &Result{}}
	in := bufio.NewReaderSize(content, 16<<10)
	header, whole, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	if c.SPF = (SPF{Verdict: Unknown}); e.Remote.IsValid() {
		c.SPF = c.spf(e)
	}
	if whole {
		if c.Signatures, err = c.dkim(header, in); err != nil {
			return nil, err
		}
		c.fields(header)
	}
	if d := c.DMARC.Domain; d != "" && e.Signs != nil {
		if by := e.Signs(d); by != "" {
			c.Signatures = append([]Signature{{Verdict: Pass, Domain: by, Added: true}}, c.Signatures...)
		}
	}
	c.dmarc()
	c.Temporary = c.temporary()
	return c.Result, nil
}

type check struct {
	*Result
	ctx   context.Context
	names Names
}

// readHeader reads a header section with the line that ends it. whole is false where it is too
// long, or ends with the message.
func readHeader(in *bufio.Reader) (header []byte, whole bool, err error) {
	for begin := true; len(header) < maxHeader; {
		piece, err := in.ReadSlice('\n')
		header = append(header, piece...)
		switch {
		case err == io.EOF:
			return header, false, nil
		case err != nil && err != bufio.ErrBufferFull:
			return nil, false, err
		case begin && len(bytes.TrimRight(piece, "\r\n")) == 0:
			return header, true, nil
		}
		begin = err == nil
	}
	return header, false, nil
}

// spf evaluates the record of the reverse-path's domain, or of the client's name where there
// is none (RFC 7208 §2.4).
func (c *check) spf(e Envelope) SPF {
	sender := e.Sender
	if sender == "" {
		sender = "postmaster@" + e.Helo
	}
	_, domain, ok := maildomain.Parse(sender[strings.LastIndexByte(sender, '@')+1:])
	if !ok || strings.HasPrefix(domain, "[") {
		return SPF{Verdict: None}
	}
	result, err := spf.CheckHostWithSender(net.IP(e.Remote.Unmap().AsSlice()), e.Helo, sender[:strings.LastIndexByte(sender, '@')+1]+domain, spf.WithContext(c.ctx), spf.WithResolver(c.names))
	s := SPF{Verdict: Verdict(result), Domain: domain}
	if err != nil && (s.Verdict == TempError || s.Verdict == PermError) {
		s.Reason = err.Error()
	}
	return s
}

// dkim verifies the first signatures. Their errors are their verdicts; the error is content's.
func (c *check) dkim(header []byte, body io.Reader) (list []Signature, err error) {
	rest := &source{in: body}
	found, err := dkim.VerifyWithOptions(io.MultiReader(bytes.NewReader(header), rest), &dkim.VerifyOptions{LookupTXT: c.key, MaxVerifications: maxSignatures})
	if rest.err != nil {
		return nil, rest.err
	}
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return []Signature{{Verdict: PermError, Reason: err.Error()}}, nil
	}
	for _, v := range found {
		s := Signature{Verdict: Pass, Domain: asciiDomain(v.Domain)}
		if v.Err != nil {
			s.Verdict, s.Reason = Fail, strings.TrimPrefix(v.Err.Error(), "dkim: ")
		}
		switch {
		case dkim.IsTempFail(v.Err):
			s.Verdict = TempError
		case dkim.IsPermFail(v.Err):
			s.Verdict = PermError
		}
		list = append(list, s)
	}
	return list, nil
}

// source keeps an error of the content to itself: the library leaves goroutines behind when
// its reader fails.
type source struct {
	in  io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.in.Read(b)
	if err != nil && err != io.EOF {
		s.err, err = err, io.EOF
	}
	return n, err
}

// key looks up the record of a key.
func (c *check) key(name string) ([]string, error) { return c.names.LookupTXT(c.ctx, name) }

// dmarc judges the author's domain.
func (c *check) dmarc() {
	d := &c.DMARC
	if d.Verdict = None; d.Domain == "" {
		return
	}
	p, organization, err := dmarc.Walk(c.ctx, c.texts, d.Domain)
	if err != nil {
		d.Verdict = TempError
		return
	}
	d.Organization = organization
	if p != nil {
		d.At, d.StrictDKIM, d.StrictSPF = p.At, p.Tag("adkim") == "s", p.Tag("aspf") == "s"
		d.Policy = p.Handling(d.Domain, c.exists(d.Domain))
	}
	for _, s := range c.Signatures {
		d.DKIM = d.DKIM || s.Verdict == Pass && aligned(s.Domain, d.Domain, d.StrictDKIM)
	}
	d.SPF = c.SPF.Verdict == Pass && aligned(c.SPF.Domain, d.Domain, d.StrictSPF)
	c.Proven = d.DKIM || d.SPF
	switch {
	case p == nil:
	case c.Proven:
		d.Verdict = Pass
	case c.temporary():
		d.Verdict = TempError
	default:
		d.Verdict = Fail
	}
}

// aligned reports whether a proven domain counts for the author's (RFC 9989 §4.4).
func aligned(proven, author string, strict bool) bool {
	return proven != "" && (proven == author || !strict && maildomain.SameOrganization(proven, author))
}

// exists reports whether a domain has records: others have their own policy, np. Where the DNS
// does not say, it has.
func (c *check) exists(domain string) bool {
	_, err := c.names.LookupIPAddr(c.ctx, domain)
	if !notFound(err) {
		return true
	}
	_, err = c.names.LookupMX(c.ctx, domain)
	return !notFound(err)
}

func (c *check) texts(ctx context.Context, name string) ([]string, error) {
	list, err := c.names.LookupTXT(ctx, name)
	if notFound(err) {
		return nil, nil
	}
	return list, err
}

func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// temporary reports whether the DNS was silent where an answer could have proven the author.
func (c *check) temporary() bool {
	silent := c.SPF.Verdict == TempError || c.DMARC.Verdict == TempError
	for _, s := range c.Signatures {
		silent = silent || s.Verdict == TempError
	}
	return silent && !c.Proven
}

// fields reads the author, where there is only one, and who the message is addressed to.
func (c *check) fields(header []byte) {
	m, err := mail.ReadMessage(bytes.NewReader(header))
	if err != nil {
		return
	}
	if list := only(m.Header, "From"); len(list) == 1 {
		if c.DMARC.Domain = asciiDomain(list[0][strings.LastIndexByte(list[0], '@')+1:]); c.DMARC.Domain != "" {
			c.From = list[0]
		}
	}
	c.To = append(only(m.Header, "To"), only(m.Header, "Cc")...)
}

// only returns the addresses of a field that stands once.
func only(h mail.Header, name string) (list []string) {
	if len(h[name]) != 1 {
		return nil
	}
	all, err := h.AddressList(name)
	if err != nil {
		return nil
	}
	for _, a := range all {
		list = append(list, a.Address)
	}
	return list
}

// asciiDomain is a domain in lower case A-labels; "": it is none.
func asciiDomain(s string) string {
	_, ascii, ok := maildomain.Parse(s)
	if !ok || strings.HasPrefix(ascii, "[") {
		return ""
	}
	return ascii
}
