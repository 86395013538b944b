package cli

import (
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
	"relay/store/maildomain"
)

func (p *program) queueCommand() *cli.Command {
	const onlyNow = "It is for mail that is in the queue now: what is accepted later is not held. To stop new mail of an account: relay account suspend NAME."
	return shell.Group("queue", "mail that is not delivered yet",
		p.queueList(), p.queueTop(), p.queueShow(),
		p.queueChange(store.OpRetry, "try messages again now", "What is held stays held. Next hops that were taken for dead are tried again too."),
		p.queueChange(store.OpHold, "stop messages until they are released", "What is held is neither tried nor expired. "+onlyNow),
		p.queueChange(store.OpRelease, "let held messages go on", ""),
		p.queueChange(store.OpDrop, "delete messages", "What was charged stays charged, and counts as failed. The sender is told by a DSN where the address is certainly the customer's own: the account's contact, or one that is named as a sender of the account's. --silent tells nobody."))
}

// queueFilter chooses messages by what they are.
type queueFilter struct {
	account, domain        string
	sender, recipient      string
	olderThan, youngerThan shell.DurationFlag
	held, deferred         bool
	limit                  shell.CountFlag
}

func (f *queueFilter) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "account", Usage: "`NAME` only mail of this account", Destination: &f.account},
		&cli.StringFlag{Name: "domain", Usage: "`DOMAIN` only mail to this domain", Destination: &f.domain},
		&cli.StringFlag{Name: "sender", Usage: "`ADDR` only mail from this address, @domain, or <> for notices", Destination: &f.sender},
		&cli.StringFlag{Name: "recipient", Usage: "`ADDR` only mail to this address or @domain", Destination: &f.recipient},
		&cli.GenericFlag{Name: "older-than", Usage: "`TIME` only mail accepted longer ago: 90m, 4h, 2d", Value: &f.olderThan},
		&cli.GenericFlag{Name: "younger-than", Usage: "`TIME` only mail accepted since", Value: &f.youngerThan},
		&cli.BoolFlag{Name: "held", Usage: "only mail that is held", Destination: &f.held},
		&cli.BoolFlag{Name: "deferred", Usage: "only mail that was tried at least once", Destination: &f.deferred},
		&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many messages, the oldest", Value: &f.limit},
	}
}

func (f *queueFilter) set() bool {
	return f.account != "" || f.domain != "" || f.sender != "" || f.recipient != "" ||
		f.olderThan.Given || f.youngerThan.Given || f.held || f.deferred
}

// filter for the store. What cannot be is told, rather than shown as an empty
// queue.
func (c *call) filter(f *queueFilter) (out store.Filter, err error) {
	out = store.Filter{Account: f.account, Sender: f.sender, Recipient: f.recipient, Held: f.held, Deferred: f.deferred}
	if out.Domain, err = domainName(f.domain); err != nil {
		return out, err
	}
	if f.sender != "<>" {
		if err := checkWho("sender", f.sender); err != nil {
			return out, err
		}
	}
	if err := checkWho("recipient", f.recipient); err != nil {
		return out, err
	}
	if f.olderThan.Given {
		out.Before = c.wall().Add(-f.olderThan.D)
	}
	if f.youngerThan.Given {
		out.After = c.wall().Add(-f.youngerThan.D)
	}
	if f.olderThan.Given && f.youngerThan.Given && f.olderThan.D >= f.youngerThan.D {
		return out, exit.Usage("--older-than 1h --younger-than 1d is between an hour and a day old",
			"nothing is older than %s and younger than %s", words.Span(f.olderThan.D), words.Span(f.youngerThan.D))
	}
	if f.account != "" {
		_, err = c.account(f.account)
	}
	return out, err
}

// domainName is a domain as the queue has it: lower case A-labels.
func domainName(s string) (string, error) {
	if strings.ContainsAny(s, "@ ,") {
		return "", exit.Usage("--sender and --recipient take addresses and @domains", "--domain: %q is not a domain", s)
	}
	if _, ascii, ok := maildomain.Parse(s); ok {
		return ascii, nil
	}
	return strings.ToLower(s), nil // what nobody would register
}

// checkWho refuses what is neither an address nor an @domain; "" is none.
func checkWho(flag, s string) error {
	at := strings.LastIndexByte(s, '@')
	if s != "" && (at < 0 || at == len(s)-1 || term.Clean(s) != s) {
		return exit.Usage("", "--%s: %q is neither an address nor an @domain", flag, s)
	}
	return nil
}

// queue is the store's, at most limit messages of it, and ends when whoever asked
// has gone. What was written goes out while it takes its time.
func (c *call) queue(f *store.Filter, limit int64, fn func(*store.Message) error) error {
	const most = 100 * time.Millisecond
	var flushed time.Time
	n := int64(0)
	err := c.st.Queue(*f, func(m *store.Message) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := fn(m); err != nil {
			return err
		}
		if now := time.Now(); now.Sub(flushed) > most {
			flushed = now
			_ = c.flush(nil)
		}
		if n++; n == limit {
			return term.ErrEnough
		}
		return nil
	})
	return err
}
