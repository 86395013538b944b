package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/cli/term"
	"relay/report/words"
	"relay/store"
)

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
		Description: "After the ID, ! is a message that is held, and * one that is being delivered. Below it stand what a next hop said last, in parentheses, and who has not got it yet, with the account and the next try. relay queue show ID has all of a message.",
	}, work{run: func(c *call) error {
		filter, err := c.filter(&f)
		if err != nil {
			return err
		}
		if c.json {
			a := term.NewArray(c.Stdout)
			err := c.queue(&filter, f.limit.N, func(m *store.Message) error { return a.Add(viewMessage(m)) })
			if errors.Is(err, term.ErrEnough) {
				err = nil
			}
			return errors.Join(err, a.End())
		}
		return c.listQueue(&filter, &f)
	}})
}

// listQueue streams: where things stand depends on nothing that is to come.
func (c *call) listQueue(filter *store.Filter, f *queueFilter) error {
	list := queueLister{now: c.wall(), zone: c.st.Zone(), filter: filter}
	hand := c.inHand()
	var sum store.Totals
	err := c.queue(filter, f.limit.N, func(m *store.Message) error {
		var b strings.Builder
		if sum.Messages == 0 {
			fmt.Fprintf(&b, listRow, "ID", "SIZE", "ARRIVED", "SENDER, RECIPIENTS")
		}
		open := list.entry(&b, m, hand(m.ID))
		sum.Messages++
		sum.Recipients += int64(open)
		sum.Bytes += m.Size
		_, err := fmt.Fprint(c.Stdout, b.String())
		return err
	})
	switch {
	case err != nil && !errors.Is(err, term.ErrEnough):
		return err
	case sum.Messages > 0:
		if err := c.say("-- %s in %s, %s", words.Size(sum.Bytes), words.Plural(sum.Messages, "message"), words.Plural(sum.Recipients, "recipient")); err != nil {
			return err
		}
	case f.set():
		return c.say("No such mail in the queue")
	default:
		return c.say("The queue is empty")
	}
	if err != nil {
		c.note("there may be more: --limit %d is reached", f.limit.N)
	}
	return nil
}

// inHand says of messages whether the mailer has them in hand, from what it says
// now and then; nobody has when no relay runs.
func (c *call) inHand() func(store.ID) bool {
	const fresh = 2 * time.Second
	var ids map[store.ID]bool
	var asked time.Time
	return func(id store.ID) bool {
		if c.inner == nil {
			return false
		}
		if now := time.Now(); now.Sub(asked) > fresh {
			ctx, cancel := context.WithTimeout(c.ctx, time.Second)
			ids, _ = c.inner.mail.InHand(ctx) // not known: nothing is marked
			cancel()
			asked = time.Now()
		}
		return ids[id]
	}
}

// The list's columns: ID and mark, size, arrival, and where addresses begin. One
// that is too long for its column ends with the screen; one that is too long for
// a line goes on in the next: it is never cut.
const (
	listRow     = "%-27s %6s  %-15s  %s\n"
	listAddress = 27 + 1 + 6 + 2 + 15 + 2
	listIndent  = 2
	listMost    = 5 // recipients of a message
)

// queueLister writes the list's entries.
type queueLister struct {
	now    time.Time
	zone   *time.Location
	filter *store.Filter
}

// entry writes a message and returns how many recipients have not got it.
func (l *queueLister) entry(b *strings.Builder, m *store.Message, inHand bool) int {
	open := l.open(m)
	mark := ""
	switch {
	case !slices.ContainsFunc(open, func(r *store.Recipient) bool { return !r.Held }):
		mark = "!"
	case inHand:
		mark = "*"
	}
	sender := term.Clean(orElse(m.Sender, "<>"))
	first := sender
	if utf8.RuneCountInString(sender) > term.Columns-listAddress {
		first = ""
	}
	line := fmt.Sprintf(listRow, m.ID.String()+mark, words.Size(m.Size), m.Accepted.In(l.zone).Format(time.Stamp), first)
	b.WriteString(strings.TrimRight(line, " \n") + "\n")
	if first == "" {
		address(b, "", sender)
	}
	most := listMost
	if len(open) == most+1 {
		most++ // the line that says +1 would be no shorter
	}
	reply, standing := "", ""
	for i, r := range open[:min(len(open), most)] {
		if r.Reply != reply {
			reply, standing = r.Reply, ""
			remark(b, reply)
		}
		left := l.standing(m, r, inHand)
		if left == standing {
			address(b, "", term.Clean(r.Address))
			continue
		}
		standing = left
		if i > 0 {
			left = strings.TrimPrefix(left, m.Account+", ")
		}
		address(b, left, term.Clean(r.Address))
	}
	if more := len(open) - most; more > 0 {
		address(b, "", fmt.Sprintf("+%s more", words.Number(int64(more))))
	}
	return len(open)
}

// open are the recipients that have not got the message, those that were asked
// for first.
func (l *queueLister) open(m *store.Message) []*store.Recipient {
	var asked, others []*store.Recipient
	for i := range m.Recipients {
		r := &m.Recipients[i]
		switch {
		case r.State.Final():
		case l.filter.MatchRecipient(r):
			asked = append(asked, r)
		default:
			others = append(others, r)
		}
	}
	return append(asked, others...)
}

// standing is whose a message is, and what comes next for a recipient.
func (l *queueLister) standing(m *store.Message, r *store.Recipient, inHand bool) string {
	s := m.Account
	if r.Tries > 0 && r.State == store.Deferred {
		s += ", " + words.Plural(int64(r.Tries), "attempt")
	}
	switch {
	case r.Held:
		return s + ", held"
	case inHand && r.Next.After(l.now):
		return s + ", in hand"
	case r.Next.After(l.now):
		return s + ", next in " + words.Span(r.Next.Sub(l.now))
	}
	return s + ", due now"
}

// remark writes what a next hop said, in parentheses; the beginning of a long one.
func remark(b *strings.Builder, reply string) {
	const most = 3 // lines
	if reply == "" {
		return
	}
	lines := term.Fold("("+term.Clean(reply)+")", term.Columns-listIndent)
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] = term.Chop(lines[most-1], term.Columns-listIndent-2)[0] + "…)"
	}
	for _, l := range lines {
		b.WriteString(strings.Repeat(" ", listIndent) + l + "\n")
	}
}

// address writes an address, and what stands before it in the same line if that
// leaves it room.
func address(b *strings.Builder, left, addr string) {
	width := utf8.RuneCountInString(addr)
	at := min(listAddress, max(term.Columns-width, listIndent))
	if left != "" {
		left = strings.Repeat(" ", listIndent) + left
		if utf8.RuneCountInString(left) >= at {
			for _, l := range term.Fold(left, term.Columns-listIndent) {
				b.WriteString(strings.Repeat(" ", listIndent) + l + "\n")
			}
			left = ""
		}
	}
	for i, part := range term.Chop(addr, term.Columns-at) {
		if i > 0 {
			left = ""
		}
		b.WriteString(term.Pad(left, at, false) + part + "\n")
	}
}
