package mail

import (
	"context"
	"errors"
	"time"

	"relay/report/api/act"
	"relay/store"
	"relay/store/spool"
	"relay/store/spooled"
)

// Limits of a batch.
const (
	MostIDs      = 1000                  // of a request; and messages that a filter chooses
	previewBatch = 100                   // messages of a dry run that a filter chooses
	previewMost  = 20_000                // recipients that a dry run lists at most, but for the last message's
	searchTime   = 50 * time.Millisecond // of looking for messages
	searchStep   = 64                    // messages between two looks at the clock
	wakeMost     = 100                   // domains that are woken one by one
)

// Change is the request for a change of messages: IDs, or a filter, or all.
type Change struct {
	Body ChangeBody
}

// ChangeBody says which messages are changed, and how.
type ChangeBody struct {
	IDs    []spooled.ID `json:"ids,omitempty" maxItems:"1000" doc:"Messages."`
	Filter *Filter      `json:"filter,omitempty" doc:"Messages that it chooses. Where it says something of recipients, only those are changed."`
	All    bool         `json:"all,omitempty" doc:"All messages of the queue."`
	Silent bool         `json:"silent,omitempty" doc:"Of drop: tell no sender."`
	DryRun bool         `json:"dry_run,omitempty" doc:"List the recipients that would be changed, and change nothing."`
	Limit  int          `json:"limit,omitempty" minimum:"0" maximum:"1000" doc:"Of a filter: messages of this batch at most. Default 1,000."`
	Cursor string       `json:"cursor,omitempty" doc:"Of a filter: next of the batch before."`
}

// Changed is what a batch has changed.
type Changed struct {
	Op         spool.Op     `json:"op"`
	Done       int          `json:"done" doc:"Messages that were changed."`
	Recipients int64        `json:"recipients" doc:"Of these, that were changed."`
	Unchanged  int          `json:"unchanged" doc:"Messages with nothing to change."`
	Missing    []spooled.ID `json:"missing" doc:"IDs of messages that are not in the queue."`
	Rest       []spooled.ID `json:"rest,omitempty" doc:"IDs that were not reached: ask for them again."`
	Next       string       `json:"next,omitempty" doc:"Cursor of the next batch; none: the filter chooses no more."`
	Affected   []Affected   `json:"affected,omitempty" doc:"Of a dry run."`
}

// Affected is what a change would affect of a message.
type Affected struct {
	ID         spooled.ID `json:"id"`
	Account    string     `json:"account"`
	Sender     string     `json:"sender"`
	Recipients []string   `json:"recipients"`
}

// Acts that change messages.
var (
	Retry   = changeAct(spool.OpRetry, "Try messages again now")
	Hold    = changeAct(spool.OpHold, "Stop messages until they are released")
	Release = changeAct(spool.OpRelease, "Let held messages go on")
	Drop    = changeAct(spool.OpDrop, "Delete messages")
)

func changeAct(op spool.Op, summary string) *act.Act[Change, Changed] {
	return act.New(act.Spec{Name: "queue " + string(op), Route: "POST /v1/queue/" + string(op), Summary: summary, May: act.Operator},
		func(ctx context.Context, s *act.Service, in *Change) (*Changed, error) {
			c := changing{ctx: ctx, s: s, in: &in.Body, op: spool.Operation{Op: op, Tell: !in.Body.Silent}, out: &Changed{Op: op, Missing: []spooled.ID{}}}
			return c.out, c.do()
		})
}

// changing is a batch under way.
type changing struct {
	ctx context.Context
	s   *act.Service
	in  *ChangeBody
	op  spool.Operation
	out *Changed
}

func (c *changing) do() error {
	chosen := c.in.All || c.in.Filter != nil && *c.in.Filter != (Filter{})
	switch {
	case chosen == (len(c.in.IDs) > 0):
		return act.Fail(act.Wrong, "", "queue %s: name ids, or a filter, or all", c.op.Op)
	case !chosen:
		return c.byIDs()
	}
	return c.byFilter()
}

func (c *changing) byIDs() error {
	n, domains, err := c.apply(c.in.IDs)
	if err != nil && n == 0 {
		return err
	}
	c.out.Rest = c.in.IDs[n:]
	c.wake(domains)
	return nil
}

// byFilter changes the messages that the filter chooses behind the cursor. A message that
// is gone when its turn comes was delivered.
func (c *changing) byFilter() error {
	given := c.in.Filter
	if given == nil {
		given = &Filter{}
	}
	f, err := given.filter(c.ctx, c.s)
	if err != nil {
		return err
	}
	after, err := afterID(c.in.Cursor)
	if err != nil {
		return err
	}
	c.op.Of = &f
	ids, next, err := c.choose(after)
	if err != nil {
		return err
	}
	n, domains, err := c.apply(ids)
	switch {
	case err != nil && n == 0:
		return err
	case n < len(ids):
		next = ids[n-1].String()
	}
	c.out.Next, c.out.Missing = next, []spooled.ID{}
	switch {
	case f.Domain != "":
		domains = map[string]bool{f.Domain: true}
	case c.in.Cursor != "":
		domains = nil // the first batch has woken all
	case next != "":
		domains = map[string]bool{"": true}
	}
	c.wake(domains)
	return nil
}

// choose finds the messages of a batch, and where the next one begins; "": there is none.
func (c *changing) choose(after spooled.ID) (ids []spooled.ID, next string, err error) {
	most := MostIDs
	if c.in.DryRun {
		most = previewBatch
	}
	if c.in.Limit > 0 {
		most = min(most, c.in.Limit)
	}
	until, seen := time.Now().Add(searchTime), 0
	err = c.s.Store.Spool.Queue(after, func(m *spooled.Message) error {
		if c.op.Of.Match(m) {
			ids = append(ids, m.ID)
		}
		if seen++; len(ids) == most || seen%searchStep == 0 && time.Now().After(until) {
			next = m.ID.String()
			return act.ErrFull
		}
		return c.ctx.Err()
	})
	if errors.Is(err, act.ErrFull) {
		err = nil
	}
	return ids, next, err
}

// apply does the operation, and says for how many of the messages, also where it fails.
func (c *changing) apply(ids []spooled.ID) (n int, domains map[string]bool, err error) {
	operate := c.s.Store.Spool.Operate
	if c.in.DryRun {
		operate = c.preview
	}
	is, err := operate(c.op, ids)
	c.out.Done, c.out.Recipients, c.out.Unchanged = len(is.Done), is.Recipients, len(is.Same)
	c.out.Missing = append(c.out.Missing, is.Missing...)
	return len(is.Done) + len(is.Same) + len(is.Missing), is.Domains, err
}

// preview is an operation that changes nothing and lists what it would change.
func (c *changing) preview(o spool.Operation, ids []spooled.ID) (is spool.Effect, err error) {
	for _, id := range ids {
		if is.Recipients >= previewMost {
			return is, nil
		}
		m, err := c.s.Store.Spool.QueueMessage(id)
		if errors.Is(err, store.ErrNotFound) {
			is.Missing = append(is.Missing, id)
			continue
		}
		if err != nil {
			return is, err
		}
		list := o.Affects(m)
		if len(list) == 0 {
			is.Same = append(is.Same, id)
			continue
		}
		is.Done = append(is.Done, id)
		is.Recipients += int64(len(list))
		v := Affected{ID: m.ID, Account: m.Whose(), Sender: m.Sender, Recipients: []string{}}
		for _, i := range list {
			v.Recipients = append(v.Recipients, m.Recipients[i].Address)
		}
		c.out.Affected = append(c.out.Affected, v)
	}
	return is, nil
}

// wake makes the mailer forget that next hops are down, for domains whose mail is tried
// again; "": for all.
func (c *changing) wake(domains map[string]bool) {
	if c.op.Op != spool.OpRetry || c.in.DryRun || c.s.Running == nil || c.s.Running.Mail == nil {
		return
	}
	if len(domains) > wakeMost {
		domains = map[string]bool{"": true}
	}
	for domain := range domains {
		c.s.Running.Mail.Retry(domain)
	}
}
