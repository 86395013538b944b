package mail

import (
	"context"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/maildomain"
	"relay/store/spooled"
)

// Filter chooses messages of the queue, and with what it says of recipients those too.
// All that is given must hold; the zero value chooses everything.
type Filter struct {
	Account     string `query:"account" json:"account,omitempty" doc:"Only mail of this account."`
	Domain      string `query:"domain" json:"domain,omitempty" doc:"Only mail to this domain."`
	Sender      string `query:"sender" json:"sender,omitempty" doc:"Only mail from this address, @domain, or <> for notices."`
	Recipient   string `query:"recipient" json:"recipient,omitempty" doc:"Only mail to this address or @domain."`
	OlderThan   string `query:"older_than" json:"older_than,omitempty" doc:"Only mail accepted longer ago: 90m, 4h, 2d."`
	YoungerThan string `query:"younger_than" json:"younger_than,omitempty" doc:"Only mail accepted since."`
	Held        bool   `query:"held" json:"held,omitempty" doc:"Only mail that is held."`
	Deferred    bool   `query:"deferred" json:"deferred,omitempty" doc:"Only mail that was tried at least once."`
}

// filter for the store. Values that cannot match anything are refused, rather than shown
// as an empty queue.
func (f *Filter) filter(ctx context.Context, s *act.Service) (out spooled.Filter, err error) {
	out = spooled.Filter{Account: f.Account, Sender: f.Sender, Recipient: f.Recipient, Held: f.Held, Deferred: f.Deferred}
	if out.Domain, err = domainName(f.Domain); err != nil {
		return out, err
	}
	if f.Sender != "<>" {
		if err := checkAddress("sender", f.Sender); err != nil {
			return out, err
		}
	}
	if err := checkAddress("recipient", f.Recipient); err != nil {
		return out, err
	}
	if out.Before, out.After, err = f.ages(s.Store.Now()); err != nil {
		return out, err
	}
	if f.Account != "" {
		_, err = s.Account(ctx, f.Account)
	}
	return out, err
}

// ages are the instants before and after which mail was accepted; zero: any.
func (f *Filter) ages(now time.Time) (before, after time.Time, err error) {
	older, err := duration("older_than", f.OlderThan)
	if err != nil {
		return before, after, err
	}
	younger, err := duration("younger_than", f.YoungerThan)
	if err != nil {
		return before, after, err
	}
	if f.OlderThan != "" {
		before = now.Add(-older)
	}
	if f.YoungerThan != "" {
		after = now.Add(-younger)
	}
	if f.OlderThan != "" && f.YoungerThan != "" && older >= younger {
		err = act.Fail(act.Wrong, "--older-than 1h --younger-than 1d is between an hour and a day old",
			"nothing is older than %s and younger than %s", words.Span(older), words.Span(younger))
	}
	return before, after, err
}

// duration reads a length of time in a member of a request; "" is 0.
func duration(member, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := words.ParseDuration(text)
	if err != nil {
		return 0, act.Invalid(member, "", ": %v", err)
	}
	return d, nil
}

// domainName is a domain as the queue has it: lower case A-labels.
func domainName(s string) (string, error) {
	if strings.ContainsAny(s, "@ ,") {
		return "", act.Invalid("domain", "--sender and --recipient take addresses and @domains", ": %q is not a domain", s)
	}
	if _, ascii, ok := maildomain.Parse(s); ok {
		return ascii, nil
	}
	return strings.ToLower(s), nil // a name that nobody would register
}

// checkAddress refuses text that is neither an address nor an @domain; "" is none.
func checkAddress(member, s string) error {
	at := strings.LastIndexByte(s, '@')
	if s != "" && (at < 0 || at == len(s)-1 || !field.Plain(s)) {
		return act.Invalid(member, "", ": %q is neither an address nor an @domain", s)
	}
	return nil
}

// parseID reads the ID of a message, in either case.
func parseID(s string) (spooled.ID, error) {
	id, err := spooled.ParseID(strings.ToUpper(s))
	if err != nil {
		return id, act.Fail(act.Wrong, "{queue list} shows them", "%q is not the ID of a message", s)
	}
	return id, nil
}
