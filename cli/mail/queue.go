package mail

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	api "relay/report/api/mail"
	"relay/store"
)

// QueueCommand is relay queue.
func QueueCommand(e *shell.Env) *cli.Command {
	const onlyNow = "Only mail in the queue now is held, not mail accepted later. To stop new mail of an account: relay account suspend NAME."
	return shell.Group("queue", "mail that is not delivered yet",
		queueList(e), queueTop(e), queueShow(e),
		queueChange(e, api.Retry, store.OpRetry, "try messages again now", "Held messages stay held. Next hops that are down are tried again too."),
		queueChange(e, api.Hold, store.OpHold, "stop messages until they are released", "Held messages are neither tried nor expired. "+onlyNow),
		queueChange(e, api.Release, store.OpRelease, "release held messages", ""),
		queueChange(e, api.Drop, store.OpDrop, "delete messages", "Dropped mail stays charged, and counts as failed. The sender gets a DSN if its address certainly belongs to the customer: the account's contact, or one of the account's named senders. --silent sends none."))
}

// queueFilter chooses messages by what they are.
type queueFilter struct {
	api.Filter
	olderThan, youngerThan shell.DurationFlag
	limit                  shell.CountFlag
}

func (f *queueFilter) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "account", Usage: "`NAME` only mail of this account", Destination: &f.Account},
		&cli.StringFlag{Name: "domain", Usage: "`DOMAIN` only mail to this domain", Destination: &f.Domain},
		&cli.StringFlag{Name: "sender", Usage: "`ADDR` only mail from this address, @domain, or <> for notices", Destination: &f.Sender},
		&cli.StringFlag{Name: "recipient", Usage: "`ADDR` only mail to this address or @domain", Destination: &f.Recipient},
		&cli.GenericFlag{Name: "older-than", Usage: "`TIME` only mail accepted longer ago: 90m, 4h, 2d", Value: &f.olderThan},
		&cli.GenericFlag{Name: "younger-than", Usage: "`TIME` only mail accepted since", Value: &f.youngerThan},
		&cli.BoolFlag{Name: "held", Usage: "only mail that is held", Destination: &f.Held},
		&cli.BoolFlag{Name: "deferred", Usage: "only mail that was tried at least once", Destination: &f.Deferred},
		&cli.GenericFlag{Name: "limit", Usage: "`N` at most this many messages, the oldest", Value: &f.limit},
	}
}

// filter of the request.
func (f *queueFilter) filter() api.Filter {
	out := f.Filter
	if f.olderThan.Given {
		out.OlderThan = f.olderThan.D.String()
	}
	if f.youngerThan.Given {
		out.YoungerThan = f.youngerThan.D.String()
	}
	return out
}

// each calls fn for the messages that the filter chooses, and says whether there may be
// more.
func (f *queueFilter) each(ctx context.Context, e *shell.Env, fn func(*api.Message) error) (more bool, err error) {
	n := int64(0)
	err = api.ListQueue.Each(ctx, e.Service, &api.Queue{Filter: f.filter()}, f.limit.N, func(m *api.Message) error {
		n++
		return fn(m)
	})
	return f.limit.N > 0 && n == f.limit.N, err
}
