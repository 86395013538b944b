package asked

import (
	"context"
	"strings"

	"relay/smtp/authres"
	"relay/smtp/backmail"
	"relay/store/returns"
)

// Complaint answers an abuse desk whose complaint was counted. The answer goes to the
// reverse-path, and only if SPF lets the client send for its domain, or DMARC proves the same
// address as author: else a forger could make relay write to anybody. Complaints are written by
// programs, mostly, so that is no reason not to answer; the answer has the null sender itself, and
// says that a program wrote it, so nothing answers it in turn. A desk that
// cannot be proven now is not answered, but its complaint is taken.
func (d *Desk) Complaint(in *backmail.Incoming, c *backmail.Case) error {
	if unmanned(c.Desk) {
		return nil
	}
	names, err := d.Names()
	if err != nil {
		return nil
	}
	body := in.Body.Open()
	defer body.Close()
	r, err := authres.Check(context.Background(), names, authres.Envelope{Remote: in.Remote.Addr(), Helo: in.Helo, Sender: in.Sender}, body)
	if err != nil {
		return err
	}
	author := r.DMARC.Verdict == authres.Pass && strings.EqualFold(r.From, c.Desk)
	if r.SPF.Verdict != authres.Pass && !author {
		return nil
	}
	_, err = d.Store.Returns.AnswerDesk(&returns.DeskCase{Desk: c.Desk, Account: c.Account, Recipient: c.Recipient, MessageID: c.Report.OwnMessageID})
	return err
}

// unmanned reports an address whose name says that nobody reads what comes to it.
func unmanned(address string) bool {
	local := strings.ToLower(address[:max(0, strings.LastIndexByte(address, '@'))])
	plain := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	return strings.Contains(plain, "noreply") || strings.Contains(plain, "donotreply") || strings.HasPrefix(plain, "bounce") || plain == "mailerdaemon" || plain == ""
}
