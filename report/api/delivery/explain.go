package delivery

import (
	"context"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/maildomain"
	"relay/store/mailsyntax"
	"relay/store/spooled"
)

// Question is the request to explain how mail to an address goes.
type Question struct {
	Address string `query:"address" required:"true" doc:"An address, or a domain."`
	Account string `query:"account" doc:"Whose mail; empty: of any account that has no profile of its own."`
}

// Explanation says how mail to an address goes, and what holds it up.
type Explanation struct {
	Address string `json:"address"`
	Domain  string `json:"domain"`
	Account string `json:"account"`
	act.Way
	Suppression *SuppressedAddress `json:"suppression" doc:"Of the address for the account: its mail is not tried; null: none, or the request names no account or no address."`

	First *FirstSending `json:"first_sending" doc:"The account's daily limit of recipients that it never wrote to; null: it does not hold for this mail."`
	Next  *time.Time    `json:"next_attempt" doc:"When the first message that waits for the domain is due, of the account where one is named; null: none waits, or all are held."`
}

// SuppressedAddress keeps an account's mail to an address from being tried.
type SuppressedAddress struct {
	_ struct{} `nullable:"true"`

	Reason  string     `json:"reason"`
	Reply   string     `json:"reply"`
	Since   time.Time  `json:"since"`
	Expires *time.Time `json:"expires" doc:"null: never."`
}

// Explain is the act delivery explain. It needs a running relay.
var Explain = act.New(act.Spec{Name: "delivery explain", Route: "GET /v1/delivery/explain", Summary: "How mail to an address goes, and what keeps it", May: act.Operator}, explain)

func explain(ctx context.Context, s *act.Service, in *Question) (*Explanation, error) {
	domain, err := domainOf(in.Address)
	if err != nil {
		return nil, err
	}
	if in.Account != "" {
		if _, err := s.Account(ctx, in.Account); err != nil {
			return nil, err
		}
	}
	mail, err := deliveries(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	way, err := mail.Explain(ctx, domain, in.Account)
	if err != nil {
		return nil, act.Fail(act.Unreachable, "the name server may not answer: see relay check", "%w", err)
	}
	out := &Explanation{Address: in.Address, Domain: domain, Account: in.Account, Way: *way}
	if out.Suppression, err = suppression(s, in); err != nil {
		return nil, err
	}
	at, waits, err := s.Store.Spool.NextDue(domain, in.Account)
	if err != nil {
		return nil, err
	}
	if way.Route == "mx" {
		if out.First, err = firstSending(s, in, domain); err != nil {
			return nil, err
		}
	}
	if waits {
		if w := way.Wait; w != nil && w.Until != nil && w.Until.After(at) {
			at = *w.Until
		}
		out.Next = &at
	}
	return out, nil
}

// FirstSending is what an account's daily limit of first sendings means for a recipient.
type FirstSending struct {
	_ struct{} `nullable:"true"`

	Known   bool   `json:"known" doc:"The account wrote to the recipient within a year: the limit does not hold."`
	Cap     int    `json:"cap" doc:"Recipients today."`
	Used    int    `json:"used"`
	Waiting int64  `json:"waiting" doc:"Recipients of the account that wait for a later day."`
	Day     string `json:"day" doc:"On which a message that comes in now goes out, if all days are clean."`
}

func firstSending(s *act.Service, in *Question, domain string) (*FirstSending, error) {
	at := strings.LastIndexByte(in.Address, '@')
	if in.Account == "" || at < 0 {
		return nil, nil
	}
	f, capped, err := s.Store.Strangers.Outlook(in.Account, &spooled.Recipient{Address: in.Address, Domain: domain})
	if err != nil || !capped {
		return nil, err
	}
	return &FirstSending{Known: f.Known, Cap: f.Cap, Used: f.Used, Waiting: f.Waiting, Day: words.Day(f.Day, s.Store.Zone())}, nil
}

// suppression of the address in the question, if it is one.
func suppression(s *act.Service, in *Question) (*SuppressedAddress, error) {
	if in.Account == "" || !strings.Contains(in.Address, "@") {
		return nil, nil
	}
	is, ok, err := s.Store.Refusals.Suppressed(in.Account, in.Address)
	if err != nil || !ok {
		return nil, err
	}
	return &SuppressedAddress{Reason: is.Reason, Reply: is.Reply, Since: is.Since, Expires: field.OrNull(is.Expires)}, nil
}

// domainOf returns the domain of an address, or a domain, in the form for look-ups.
func domainOf(text string) (string, error) {
	text = strings.TrimPrefix(text, "@")
	name := text[strings.LastIndexByte(text, '@')+1:]
	_, ascii, ok := maildomain.Parse(name)
	if !ok || strings.Contains(text, "@") && !mailsyntax.IsAddress(text) {
		return "", act.Invalid("address", "such as jo@example.net, or example.net", " %q is neither an address nor a domain", text)
	}
	return ascii, nil
}
