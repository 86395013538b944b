package mail

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/mail"
	"relay/report/words"
	"relay/store/spool"
	"relay/store/spooled"
)

func queueList(e *shell.Env) *cli.Command {
	var f queueFilter
	return shell.Command(&cli.Command{
		Name: "list", Flags: f.flags(), Usage: "messages in the queue, oldest first",
		Description: "After the ID, ! marks a message that is held, and * one that is being delivered. Below it are the last reply of a next hop, in parentheses, and the recipients that have not received it, with the account and the next try; while a relay runs, also why mail that is due waits: its next hop is down, or connections are in use. relay queue show ID shows everything about a message.",
	}, func(ctx context.Context, _ []string) error {
		if !e.JSON {
			return listQueue(ctx, e, &f)
		}
		a := term.NewArray(e.Stdout)
		_, err := f.each(ctx, e, func(m *api.Message) error { return a.Add(m) })
		if err != nil {
			return err
		}
		return a.End()
	})
}

// listQueue writes messages as they come: how one stands depends on no other.
func listQueue(ctx context.Context, e *shell.Env, f *queueFilter) error {
	var sum spool.Totals
	more, err := f.each(ctx, e, func(m *api.Message) error {
		var b strings.Builder
		if sum.Messages == 0 {
			fmt.Fprintf(&b, listRow, "ID", "SIZE", "ARRIVED", "SENDER, RECIPIENTS")
		}
		l := queueLister{now: e.Now(), zone: e.Zone()}
		open := l.entry(&b, m)
		sum.Messages++
		sum.Recipients += int64(open)
		sum.Bytes += m.Size
		_, err := fmt.Fprint(e.Stdout, b.String())
		return err
	})
	switch {
	case err != nil:
		return err
	case sum.Messages > 0:
		err = e.Say("-- %s in %s, %s", words.Size(sum.Bytes), words.Plural(sum.Messages, "message"), words.Plural(sum.Recipients, "recipient"))
	case f.Filter != (api.Filter{}):
		return e.Say("No such mail in the queue")
	default:
		return e.Say("The queue is empty")
	}
	if more {
		e.Note("there may be more: --limit %d is reached", *f.limit)
	}
	return err
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
	now  time.Time
	zone *time.Location
}

// entry writes a message and returns how many recipients have not got it.
func (l *queueLister) entry(b *strings.Builder, m *api.Message) int {
	open := openOf(m)
	mark := ""
	switch {
	case !slices.ContainsFunc(open, func(r *api.Recipient) bool { return !r.Held }):
		mark = "!"
	case slices.ContainsFunc(open, func(r *api.Recipient) bool { return r.InHand }):
		mark = "*"
	}
	sender := words.Clean(cmp.Or(m.Sender, "<>"))
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
		if said := heard(r); said != reply {
			reply, standing = said, ""
			remark(b, reply)
		}
		left := l.standing(m, r)
		if left == standing {
			address(b, "", words.Clean(r.Address))
			continue
		}
		standing = left
		if i > 0 {
			left = strings.TrimPrefix(left, m.Account+", ")
		}
		address(b, left, words.Clean(r.Address))
	}
	if more := len(open) - most; more > 0 {
		address(b, "", fmt.Sprintf("+%s more", words.Number(int64(more))))
	}
	return len(open)
}

// openOf are the recipients that have not got the message, first those that were asked
// for.
func openOf(m *api.Message) []*api.Recipient {
	var asked, others []*api.Recipient
	for i := range m.Recipients {
		r := &m.Recipients[i]
		switch {
		case r.State.Final():
		case r.Chosen:
			asked = append(asked, r)
		default:
			others = append(others, r)
		}
	}
	return append(asked, others...)
}

// standing is the message's account, and what comes next for a recipient.
func (l *queueLister) standing(m *api.Message, r *api.Recipient) string {
	s := m.Account
	if r.Tries > 0 && r.State == spooled.Deferred {
		s += ", " + words.Plural(int64(r.Tries), "attempt")
	}
	later := r.Next != nil && r.Next.After(l.now)
	switch {
	case r.Held:
		return s + ", held"
	case r.InHand && later:
		return s + ", in hand"
	}
	return s + ", " + waiting(r, l.now, l.zone)
}

// waiting is why a recipient's mail waits, and until when.
func waiting(r *api.Recipient, now time.Time, zone *time.Location) string {
	w := r.Wait
	if w == nil {
		w = &act.Wait{}
	}
	next := r.Next
	if w.Until != nil && (next == nil || w.Until.After(*next)) {
		next = w.Until
	}
	in := "now"
	later := next != nil && next.After(now)
	if later {
		in = "in " + words.Span(next.Sub(now))
	}
	if next == w.Until {
		if text := waitsUntil(w, in); text != "" {
			return text
		}
	}
	switch {
	case w.Reason == "first" && later:
		return "first sending, out on " + words.Day(*next, zone)
	case w.Reason == "warm-up" && later:
		return "waits for the warm-up of its source, " + in
	case w.Reason == "source":
		return "waits for a source: all of its pool are drained or gone"
	case later:
		return "next " + in
	case w.Reason == "held":
		return "kept, its account is suspended"
	case w.Reason == "lookup":
		return "next hop is looked up"
	case w.Reason == "site":
		return "waits for one of " + words.Plural(int64(w.Limit), "connection") + " to the next hop"
	case w.Reason == "connections":
		return "waits for a connection, all are in use"
	case w.Reason == "share":
		return "waits for a connection, the account's share is in use"
	}
	return "due now"
}

// waitsUntil describes a wait that alone says when the next try is; "": it is another one.
func waitsUntil(w *act.Wait, in string) string {
	switch {
	case w.Reason == "override":
		return "stopped by the operator, next try " + in
	case w.Reason == "down":
		return "next hop down, next try " + in
	case w.Reason == "suspended":
		return "next hop told relay to stop, next try " + in
	case w.Reason == "paused":
		return "next hop breaks off its mail, next try " + in
	case (w.Reason == "pace" || w.Reason == "account") && w.Limit > 0:
		return fmt.Sprintf("waits for its turn, %s a minute%s, %s", words.Plural(int64(w.Limit), "message"), words.If(w.Reason == "account", " of the account"), in)
	case w.Reason == "account":
		return "the account is held at this provider, next try " + in
	}
	return ""
}

// heard is what a next hop said last, or why it cannot be reached.
func heard(r *api.Recipient) string {
	if r.Wait != nil && r.Wait.Why != "" && !strings.Contains(r.Reply, r.Wait.Why) {
		return r.Wait.Why
	}
	return r.Reply
}

// remark writes what a next hop said, in parentheses; the beginning of a long one.
func remark(b *strings.Builder, reply string) {
	const most = 3 // lines
	if reply == "" {
		return
	}
	lines := term.Fold("("+words.Clean(reply)+")", term.Columns-listIndent)
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
