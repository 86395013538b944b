package client

import (
	"fmt"
	"strings"
)

// A dialogue is what was said on a connection, for people who look for the reason of a
// failure. It is put together afterwards, from what is known then, so a delivery that goes
// well costs nothing: commands are made anew, and of replies that say yes only the code is
// left. Commands that left in one flight stand each before its reply. Content is only
// counted, and what logs in is struck out.

// MaxDialogue is how many octets one has at most.
const MaxDialogue = 4 << 10

// exchange is a command of the opening of a connection, and its reply.
type exchange struct {
	said  string // "": the greeting
	got   Reply  // zero: none came
	event bool   // said is no command, but what happened
}

// note keeps an exchange of the opening.
func (c *Client) note(x exchange) { c.opening = append(c.opening, x) }

// masked is a command of the login without what it gives away.
func masked(st Stage, line string) string {
	if st != StageAuth {
		return line
	}
	words := strings.SplitN(line, " ", 3)
	switch {
	case words[0] != "AUTH":
		return "****"
	case len(words) > 2:
		words[2] = "****"
	}
	return strings.Join(words, " ")
}

// dialogue is one being written.
type dialogue struct{ strings.Builder }

const cutDialogue = "-- the rest is left out\n"

// line writes one line; once the dialogue is full it writes nothing any more.
func (d *dialogue) line(mark, text string) {
	switch n := d.Len() + len(mark) + len(text) + 2 + len(cutDialogue); {
	case n <= MaxDialogue:
		d.WriteString(mark + " " + text + "\n")
	case !strings.HasSuffix(d.String(), cutDialogue):
		d.WriteString(cutDialogue)
	}
}

func (d *dialogue) reply(r Reply) {
	if r.Code != 0 {
		d.line("S:", r.String())
	}
}

// opened writes the opening of the connection.
func (d *dialogue) opened(c *Client) {
	for _, x := range c.opening {
		switch {
		case x.said == "":
		case x.event:
			d.line("--", x.said)
		default:
			d.line("C:", x.said)
		}
		d.reply(x.got)
	}
}

// failed writes why the connection ended.
func (d *dialogue) failed(err *ConnError) {
	if err.Reply.Code != 0 {
		d.reply(err.Reply)
		return
	}
	d.line("--", err.Error())
}

// refusal is what was said to open a connection that was not made after all.
func (c *Client) refusal(err *ConnError) string {
	var d dialogue
	d.opened(c)
	if n := len(c.opening); err.Reply.Code == 0 || n == 0 || c.opening[n-1].got != err.Reply {
		d.failed(err)
	}
	return d.String()
}

// dialogue is what was said in a transaction that did not reach all.
func (t *transaction) dialogue() string {
	var d dialogue
	d.opened(t.c)
	if t.c.count > 1 {
		d.line("--", fmt.Sprintf("message %d on this connection", t.c.count))
	}
	if t.begun {
		d.line("--", "MAIL and RCPT left behind the end of the message before")
	}
	t.wroteEnvelope(&d)
	if t.data.Code != 0 {
		d.line("C:", "DATA")
		d.reply(t.data)
	}
	t.wroteEnd(&d)
	if err := t.res.Err; err != nil {
		if t.res.Told >= 0 {
			d.line("C:", t.rcptLine(t.res.Told))
		}
		d.failed(err)
	}
	return d.String()
}

// wroteEnvelope writes MAIL and RCPT as far as they were answered, or refused by us.
func (t *transaction) wroteEnvelope(d *dialogue) {
	if t.mail.Code != 0 {
		d.line("C:", strings.TrimSpace(string(appendMail(nil, t.e, &t.c.ext, t.sender, t.utf8))))
		d.reply(t.mail)
	}
	taken := 0
	for i := range t.e.Rcpts {
		o := &t.res.Rcpts[i]
		switch {
		case o.Local && o.Stage <= StageRcpt && t.res.Err == nil:
			d.line("--", "not asked for "+t.e.Rcpts[i].Address+": "+o.Reply.String())
		case !t.mail.Delivered():
		case t.res.Err != nil && o.Reply == t.res.Err.Reply: // it was lost by then
		case o.Stage == StageRcpt && !o.Local:
			d.line("C:", t.rcptLine(i))
			d.reply(o.Reply)
		case i < len(t.c.accepted) && t.c.accepted[i]:
			if taken++; taken <= fewTaken {
				d.line("C:", t.rcptLine(i))
				d.line("S:", "250")
			}
		}
	}
	if taken > fewTaken {
		d.line("--", fmt.Sprintf("%d more recipients, each answered by 250", taken-fewTaken))
	}
}

// fewTaken is how many recipients that were accepted are named.
const fewTaken = 5

func (t *transaction) rcptLine(i int) string {
	return strings.TrimSpace(string(appendRcpt(nil, &t.e.Rcpts[i], &t.c.ext, t.address(i))))
}

// wroteEnd writes the content, as a number, and the reply to its end.
func (t *transaction) wroteEnd(d *dialogue) {
	if t.res.Octets == 0 {
		return
	}
	text := fmt.Sprintf("%d octets of content", t.res.Octets)
	if t.chunk {
		text = fmt.Sprintf("BDAT %d LAST, and its chunk", t.res.Octets)
	}
	d.line("C:", text)
	for i := range t.res.Rcpts {
		if o := &t.res.Rcpts[i]; o.Stage == StageEnd && !o.Local {
			d.reply(o.Reply)
			return
		}
	}
}

// short reports whether not all recipients were reached.
func (t *transaction) short() bool {
	for i := range t.res.Rcpts {
		if !t.res.Rcpts[i].Reply.Delivered() {
			return true
		}
	}
	return t.res.Err != nil
}
