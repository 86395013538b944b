package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/store"
)

func (p *program) queueCommand() *cli.Command {
	return group("queue", "mail that is not delivered yet",
		p.queueList(), p.queueShow(),
		p.queueChange(store.OpRetry, "try messages again now", "What is held stays held. Next hops that were taken for dead are tried again too."),
		p.queueChange(store.OpHold, "stop messages until they are released", "What is held is neither tried nor expired."),
		p.queueChange(store.OpRelease, "let held messages go on", ""),
		p.queueChange(store.OpDrop, "delete messages, without a notice", "What was charged stays charged, and counts as failed."))
}

// queueFilter chooses messages by what they are.
type queueFilter struct {
	account, domain string
	olderThan       durationFlag
	held, deferred  bool
}

func (f *queueFilter) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "account", Usage: "`NAME` only mail of this account", Destination: &f.account},
		&cli.StringFlag{Name: "domain", Usage: "`DOMAIN` only mail to this domain", Destination: &f.domain},
		&cli.GenericFlag{Name: "older-than", Usage: "`TIME` only mail accepted longer ago: 90m, 4h, 2d", Value: &f.olderThan},
		&cli.BoolFlag{Name: "held", Usage: "only mail that is held", Destination: &f.held},
		&cli.BoolFlag{Name: "deferred", Usage: "only mail that was tried at least once", Destination: &f.deferred},
	}
}

func (f *queueFilter) set() bool {
	return f.account != "" || f.domain != "" || f.olderThan.set || f.held || f.deferred
}

// filter for the store. An account that does not exist is told, rather than
// shown as an empty queue.
func (c *call) filter(f *queueFilter) (store.Filter, error) {
	out := store.Filter{Account: f.account, Domain: strings.ToLower(f.domain), Held: f.held, Deferred: f.deferred}
	if f.olderThan.set {
		out.Before = c.now().Add(-f.olderThan.d)
	}
	if f.account != "" {
		if _, err := c.account(f.account); err != nil {
			return out, err
		}
	}
	return out, nil
}

// queueView is a message as programs see it.
type queueView struct {
	ID         store.ID        `json:"id"`
	Account    string          `json:"account"`
	Sender     string          `json:"sender"` // "": a notice of the relay, or the null reverse-path
	Size       int64           `json:"size"`
	Accepted   time.Time       `json:"accepted"`
	Expires    time.Time       `json:"expires"`
	MessageID  string          `json:"message_id"`
	Recipients []recipientView `json:"recipients"`
}

type recipientView struct {
	Address string               `json:"address"`
	State   store.RecipientState `json:"state"`
	Held    bool                 `json:"held"`
	Tries   int                  `json:"tries"`
	Next    *time.Time           `json:"next"` // null: no further attempt, or held
	Reply   string               `json:"reply"`
}

func viewMessage(m *store.Message) queueView {
	v := queueView{ID: m.ID, Account: m.Account, Sender: m.Sender, Size: m.Size, Accepted: m.Accepted,
		Expires: m.Expires, MessageID: m.MessageID, Recipients: make([]recipientView, len(m.Recipients))}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		v.Recipients[i] = recipientView{Address: r.Address, State: r.State, Held: r.Held, Tries: r.Tries, Reply: r.Reply}
		if !r.State.Final() && !r.Held && !r.Next.IsZero() {
			v.Recipients[i].Next = &r.Next
		}
	}
	return v
}

func (p *program) queueList() *cli.Command {
	var f queueFilter
	return p.onStore(&cli.Command{
		Name: "list", Flags: f.flags(), Usage: "messages in the queue, oldest first",
		Description: "NEXT is the time until the next attempt. The line below says from whom to whom, and what a next hop said last.",
	}, work{run: func(c *call) error {
		filter, err := c.filter(&f)
		if err != nil {
			return err
		}
		if c.json {
			a := array{w: c.Stdout}
			err := c.queue(filter, func(m *store.Message) error { return a.add(viewMessage(m)) })
			return errors.Join(err, a.end())
		}
		return c.listQueue(filter)
	}})
}

// queue is the store's, and ends when whoever asked has gone.
func (c *call) queue(f store.Filter, fn func(*store.Message) error) error {
	return c.st.Queue(f, func(m *store.Message) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		return fn(m)
	})
}

// listQueue streams: its columns have fixed widths, whatever is to come.
func (c *call) listQueue(f store.Filter) error {
	const row = "%-26s  %-27s  %7s  %6s  %6s\n"
	var sum store.Totals
	err := c.queue(f, func(m *store.Message) error {
		if sum.Messages == 0 {
			fmt.Fprintf(c.Stdout, row, "ID", "ACCOUNT", "SIZE", "AGE", "NEXT")
		}
		open, next, reply := c.standingOf(m)
		sum.Messages++
		sum.Recipients += int64(len(open))
		sum.Bytes += m.Size
		_, err := fmt.Fprintf(c.Stdout, row+"%s\n", m.ID, cut(m.Account, 27), size(m.Size),
			span(c.now().Sub(m.Accepted)), next, fromTo(m.Sender, open, reply))
		return err
	})
	if err != nil {
		return err
	}
	return c.say("%s, %s, %s", plural(sum.Messages, "message"), plural(sum.Recipients, "recipient"), size(sum.Bytes))
}

// fromTo is the second line of a message in the list: "  a@b → c@d +1: 451 …".
func fromTo(sender string, open []*store.Recipient, reply string) string {
	const widest = 30 // of an address; what it leaves is the reply's
	s := "  " + cut(clean(orElse(sender, "<>")), widest) + " → " + cut(clean(open[0].Address), widest)
	if more := len(open) - 1; more > 0 {
		s += fmt.Sprintf(" +%d", more)
	}
	if reply != "" {
		s += ": " + clean(reply)
	}
	return cut(s, screen)
}

// standingOf is who has not got a message yet, when it is tried next, and the
// last thing that was said about it.
func (c *call) standingOf(m *store.Message) (open []*store.Recipient, next, reply string) {
	var soonest time.Time
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.State.Final() {
			continue
		}
		open = append(open, r)
		if reply == "" {
			reply = r.Reply
		}
		if !r.Held && (soonest.IsZero() || r.Next.Before(soonest)) {
			soonest = r.Next
		}
	}
	switch {
	case soonest.IsZero():
		next = "held"
	case !soonest.After(c.now()):
		next = "now"
	default:
		next = span(soonest.Sub(c.now()))
	}
	return open, next, reply
}

func (p *program) queueShow() *cli.Command {
	return p.onStore(&cli.Command{Name: "show", ArgsUsage: "ID", Usage: "a message with each of its recipients"}, work{run: func(c *call) error {
		id, err := parseID(c.args[0])
		if err != nil {
			return err
		}
		m, err := c.st.QueueMessage(id)
		if errors.Is(err, store.ErrNotFound) {
			return fail(exitFailed, "it may be done: relay trace "+id.String(), "message %s is not in the queue", id)
		}
		if err != nil {
			return err
		}
		if c.json {
			return encode(c.Stdout, viewMessage(m))
		}
		return c.showMessage(m)
	}})
}

func (c *call) showMessage(m *store.Message) error {
	fields := []field{
		{"message", m.ID.String()},
		{"message-id", m.MessageID},
		{"account", m.Account},
		{"sender", orElse(m.Sender, "<>")},
		{"size", number(m.Size) + " octets"},
		{"accepted", c.stamp(m.Accepted)},
		{"expires", c.stamp(m.Expires)},
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		state := string(r.State)
		switch {
		case r.State.Final():
		case r.Held:
			state += ", held"
		case r.Next.After(c.now()):
			state += ", next try " + c.stamp(r.Next)
		default:
			state += ", due now"
		}
		if r.Tries > 0 {
			state += ", " + plural(int64(r.Tries), "attempt")
		}
		fields = append(fields, field{"recipient", r.Address}, field{"", state}, field{"", r.Reply})
	}
	return writeFields(c.Stdout, fields)
}

func parseID(s string) (store.ID, error) {
	id, err := store.ParseID(strings.ToUpper(s))
	if err != nil {
		return id, usage("relay queue list shows them", "%q is not the ID of a message", s)
	}
	return id, nil
}
