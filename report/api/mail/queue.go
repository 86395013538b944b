package mail

import (
	"context"

	"relay/report/api/act"
	"relay/store/spooled"
)

// Queue is the request for messages of the queue.
type Queue struct {
	act.Paging
	Filter
}

// ListQueue lists the queue.
var ListQueue = act.NewList(act.Spec{Name: "queue list", Route: "GET /v1/queue", Summary: "Messages of the queue, oldest first", May: act.Operator}, listQueue)

func listQueue(ctx context.Context, s *act.Service, in *Queue, page *act.Page[Message]) error {
	f, err := in.Filter.filter(ctx, s)
	if err != nil {
		return err
	}
	after, err := afterID(page.From)
	if err != nil {
		return err
	}
	l := queueLister{ctx: ctx, s: s, filter: &f, page: page}
	err = s.Store.Spool.Queue(after, l.take)
	if err == nil {
		err = l.add()
	}
	return err
}

// afterID reads the key of a page; "" is before all.
func afterID(from string) (id spooled.ID, err error) {
	if from == "" {
		return id, nil
	}
	if id, err = spooled.ParseID(from); err != nil {
		return id, act.Invalid("cursor", "", " is not one of this list")
	}
	return id, nil
}

// queueLister adds messages to a page, some at a time: the running relay is asked once
// for all of them.
type queueLister struct {
	ctx    context.Context
	s      *act.Service
	filter *spooled.Filter
	page   *act.Page[Message]
	some   []*spooled.Message // that were read, and have not been added or passed
}

// listStep is how many messages are read before they are added.
const listStep = 64

func (l *queueLister) take(m *spooled.Message) error {
	if l.some = append(l.some, m); len(l.some) < listStep {
		return nil
	}
	return l.add()
}

func (l *queueLister) add() error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	var chosen []*spooled.Message
	for _, m := range l.some {
		if l.filter.Match(m) {
			chosen = append(chosen, m)
		}
	}
	rows := views(l.ctx, l.s, l.filter, chosen)
	for _, m := range l.some {
		var err error
		if len(rows) > 0 && rows[0].ID == m.ID {
			l.page.Weigh(len(m.Recipients))
			err = l.page.Add(rows[0], m.ID.String())
			rows = rows[1:]
		} else {
			err = l.page.Pass(m.ID.String())
		}
		if err != nil {
			return err
		}
	}
	l.some = l.some[:0]
	return nil
}
