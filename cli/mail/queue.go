package mail

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/report/api/field"
	api "relay/report/api/mail"
	"relay/store/spool"
)

// QueueCommand is relay queue.
func QueueCommand(e *shell.Env) *cli.Command {
	const onlyNow = "Only mail in the queue now is held, not mail accepted later. To stop new mail of an account: relay account suspend NAME."
	return shell.Group("queue", "mail that is not delivered yet",
		queueList(e), queueTop(e), queueShow(e),
		queueChange(e, api.Retry, spool.OpRetry, "try messages again now", "Held messages stay held. Next hops that are down are tried again too."),
		queueChange(e, api.Hold, spool.OpHold, "stop messages until they are released", "Held messages are neither tried nor expired. "+onlyNow),
		queueChange(e, api.Release, spool.OpRelease, "release held messages", ""),
		queueChange(e, api.Drop, spool.OpDrop, "delete messages", "Dropped mail stays charged, and counts as failed. The sender gets a DSN if its address certainly belongs to the customer: the account's contact, or one of the account's named senders. --silent sends none."))
}

// queueFilter chooses messages by what they are.
type queueFilter struct {
	api.Filter
	limit *int64 // messages at most; nil or 0: all
}

func (f *queueFilter) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "account", Usage: "`NAME` only mail of this account", Destination: &f.Account},
		&cli.StringFlag{Name: "domain", Usage: "`DOMAIN` only mail to this domain", Destination: &f.Domain},
		&cli.StringFlag{Name: "sender", Usage: "`ADDR` only mail from this address, @domain, or <> for notices", Destination: &f.Sender},
		&cli.StringFlag{Name: "recipient", Usage: "`ADDR` only mail to this address or @domain", Destination: &f.Recipient},
		shell.SpanFlag("older-than", "`TIME` only mail accepted longer ago: 90m, 4h, 2d", &f.OlderThan),
		shell.SpanFlag("younger-than", "`TIME` only mail accepted since", &f.YoungerThan),
		&cli.BoolFlag{Name: "held", Usage: "only mail that is held", Destination: &f.Held},
		&cli.BoolFlag{Name: "deferred", Usage: "only mail that was tried at least once", Destination: &f.Deferred},
		shell.CountFlag("limit", "`N` at most this many messages, the oldest", &f.limit),
	}
}

// each calls fn for the messages that the filter chooses, and says whether there may be
// more.
func (f *queueFilter) each(ctx context.Context, e *shell.Env, fn func(*api.Message) error) (more bool, err error) {
	n, limit := int64(0), field.Or0(f.limit)
	err = api.ListQueue.Each(ctx, e.Service, &api.Queue{Filter: f.Filter}, limit, func(m *api.Message) error {
		n++
		return fn(m)
	})
	return limit > 0 && n == limit, err
}
