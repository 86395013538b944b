package asked

import (
	"context"
	"slices"

	"relay/report/answers"
	"relay/report/tell"
	"relay/smtp/authres"
	"relay/smtp/backmail"
	"relay/smtp/returned"
)

// mail is one that is to be answered.
type mail struct {
	*Desk
	in   *backmail.Incoming
	sent bool // a customer handed it over
	is   *returned.Mail
}

// unasked reports whether nobody wants an answer: no person wrote the mail, or its sender got
// enough of them today.
func (m *mail) unasked() (bool, error) {
	if m.in.Sender == "" || !m.sent && m.Answers.Full(m.in.Sender) {
		return true, nil
	}
	content := m.open()
	defer content.Close()
	is, err := returned.Read(content)
	if err != nil {
		return false, err
	}
	m.is = is
	return is.Kind != returned.Other || is.Auto && !m.sent, nil
}

// envelope is how receivers get the mail.
func (m *mail) envelope(ctx context.Context) authres.Envelope {
	if !m.sent {
		return authres.Envelope{Remote: m.in.Remote.Addr(), Helo: m.in.Helo, Sender: m.in.Sender}
	}
	return authres.Envelope{Remote: m.Leaves(ctx), Helo: m.Host, Sender: m.in.Sender, Signs: m.signs}
}

// signs is the domain whose signature is added to mail of the account.
func (m *mail) signs(author string) string {
	g, _, err := m.Store.Signing.For(m.in.Account, author)
	if err != nil || len(g.Keys) == 0 {
		return ""
	}
	return g.Domain
}

// question is what is known of the mail.
func (m *mail) question(r *authres.Result) *answers.Question {
	return &answers.Question{Sent: m.sent, Account: m.in.Account, Own: r.DMARC.DKIM, Sender: m.in.Sender, SPF: r.SPF.Verdict == authres.Pass,
		From: r.From, Proven: r.Proven, Named: slices.ContainsFunc(r.To, m.asked), Subject: m.is.Subject, MessageID: m.is.OwnMessageID, Test: m.test(r)}
}

// asked reports the address that the mail came to.
func (m *mail) asked(address string) bool {
	kind, _ := m.Addresses.Find(address)
	is, _ := m.Addresses.Find(m.in.Recipient)
	return kind == is
}

// test is how the mail came in, and what receivers see of it.
func (m *mail) test(r *authres.Result) tell.Test {
	t := tell.Test{Sent: m.sent, Login: m.in.Login, Remote: m.in.Remote.Addr().String(), Port: int64(m.in.Port), TLS: m.in.TLS, Sender: m.in.Sender, From: r.From,
		Received: m.in.Received, Size: m.in.Size, SPF: proof(r.SPF.Verdict, r.SPF.Domain, r.SPF.Reason), DMARC: proof(r.DMARC.Verdict, r.DMARC.Domain, ""), Policy: r.DMARC.Policy}
	for _, s := range r.Signatures {
		t.DKIM = append(t.DKIM, proof(s.Verdict, s.Domain, s.Reason))
	}
	if r.DMARC.At == "" {
		t.Policy = ""
	}
	t.Mend = flaws(r, t.TLS == "")
	return t
}

func proof(v authres.Verdict, domain, reason string) tell.Proof {
	return tell.Proof{Verdict: string(v), Domain: domain, Reason: reason}
}

// flaws are what should be mended, the most harmful last but for the DNS.
func flaws(r *authres.Result, clear bool) (list []tell.Flaw) {
	add := func(yes bool, f tell.Flaw) {
		if yes {
			list = append(list, f)
		}
	}
	add(clear, tell.FlawClear)
	add(r.From == "", tell.FlawAuthor)
	switch r.SPF.Verdict {
	case authres.None:
		add(r.SPF.Domain != "", tell.FlawSPFNone)
	case authres.Fail, authres.SoftFail, authres.Neutral:
		list = append(list, tell.FlawSPFFail)
	case authres.PermError:
		list = append(list, tell.FlawSPFError)
	}
	failed := false
	for _, s := range r.Signatures {
		failed = failed || s.Verdict == authres.Fail || s.Verdict == authres.PermError
	}
	d := &r.DMARC
	add(failed && !d.DKIM, tell.FlawDKIMFail)
	add(!failed && !d.DKIM && r.From != "" && !r.Temporary, tell.FlawDKIMNone)
	add(r.From != "" && d.Verdict == authres.None, tell.FlawDMARCNone)
	add(d.Verdict == authres.Fail || r.From != "" && d.Verdict == authres.None && !r.Proven && !r.Temporary, tell.FlawDMARCFail)
	add(r.Temporary || d.Verdict == authres.TempError, tell.FlawDNS)
	return list
}
