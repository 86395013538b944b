package mailer

import (
	"time"

	"relay/mailer/client"
)

// worker is one connection to a site, and the goroutine that speaks on it. It
// settles each message before it takes the next one.
type worker struct {
	s    *schedule
	m    *Mailer
	site *site
	jobs chan *job // capacity 1; closed: go
	open bool      // as the owner of the schedule knows it
	done int       // jobs, as the owner counts them

	hired time.Time
	job   *job      // that it has, as the owner knows; nil: it waits
	since time.Time // when it was given
	noted bool      // the store knows, or need not, that it is dialled for

	conn *connection // nil: none
}

// ending is how a worker stands after a job.
type ending struct {
	open  bool   // the connection can be used again
	spoke bool   // the next hop answered in good order
	lost  bool   // it broke off in mid-transaction
	why   string // why it did
}

func (w *worker) run() {
	defer w.s.tell(func() { w.s.gone(w) })
	defer w.hangUp()
	for {
		j, ok := w.next()
		if !ok {
			return
		}
		end, failed := w.serve(j)
		if failed != nil {
			w.s.tell(func() { w.s.unreachable(w, j, failed) })
			return
		}
		w.s.tell(func() { w.s.finished(w, j, end) })
	}
}

// next waits for a job, not for ever.
func (w *worker) next() (*job, bool) {
	select {
	case j, ok := <-w.jobs:
		return j, ok
	default:
	}
	timer := time.NewTimer(w.m.config().IdleTimeout)
	defer timer.Stop()
	select {
	case j, ok := <-w.jobs:
		return j, ok
	case <-timer.C:
		w.s.tell(func() { w.s.tooLong(w) })
		j, ok := <-w.jobs
		return j, ok
	}
}

// serve does a job. With a failure the job was not attempted: no connection
// could be made that takes mail.
func (w *worker) serve(j *job) (end ending, failed *failure) {
	if j.fault != nil {
		return w.refuse(j)
	}
	if j.again {
		w.m.noteDialled(j.claims)
	}
	a := newAttempt(w.m, j)
	for len(a.left) > 0 && !end.lost {
		if failed = w.ready(a); failed == nil {
			end, failed = w.transact(a)
		}
		if failed == nil {
			continue
		}
		if !a.begun && !failed.unsafe {
			return ending{}, failed
		}
		a.stop(failed)
	}
	if w.s.ctx.Err() != nil && !a.answered {
		w.giveBack(j) // we broke it off ourselves
		return ending{}, nil
	}
	w.m.settle(a)
	w.retire(j)
	end.open = w.conn != nil
	return end, nil
}

// refuse settles a job of a domain without next hops.
func (w *worker) refuse(j *job) (ending, *failure) {
	failed := &failure{err: &client.ConnError{Stage: client.StageConnect, Reply: faultReply(j.fault)}, local: true}
	if !j.fault.Permanent {
		return ending{}, failed
	}
	w.m.settleUnreached(j, failed)
	return ending{spoke: true}, nil
}

// ready sees to a connection that suits the job.
func (w *worker) ready(a *attempt) *failure {
	j := a.job
	if w.conn != nil && w.conn.suits(j) {
		return nil
	}
	w.hangUp()
	ctx := w.s.taking
	if a.begun {
		ctx = w.s.ctx
	}
	begin := time.Now()
	c, failed := w.m.connect(ctx, j.path, j.message.RequireTLS)
	a.connecting += time.Since(begin)
	if failed != nil {
		return failed
	}
	c.lastUntil(w.s.ctx)
	w.conn = c
	w.s.tell(func() { w.s.connected(w) })
	return nil
}

// transact sends the message to as many of the recipients that are left as go
// into one transaction. A connection that was reused and had been closed
// meanwhile leaves them as they are; one that was fresh and ends before anything
// was said about the message is a failure of the next hop.
func (w *worker) transact(a *attempt) (ending, *failure) {
	c := w.conn
	fresh := c.client.Transactions() == 0
	part := a.next(c)
	body := w.m.store.OpenBody(a.job.message.ID)
	res := c.client.Deliver(a.envelope(part), body)
	_ = body.Close()
	if res.Err == nil {
		a.take(part, &res, c)
		return ending{spoke: true}, nil
	}
	w.conn = nil
	c.drop()
	if res.Err.Stage <= client.StageMail {
		if fresh {
			return ending{}, &failure{err: res.Err, host: c.host, addr: c.addr}
		}
		return ending{}, nil
	}
	a.take(part, &res, c)
	a.stop(&failure{err: res.Err, host: c.host, addr: c.addr})
	return ending{lost: true, why: res.Err.Error()}, nil
}

// retire closes a connection that has carried its share, as it is now.
func (w *worker) retire(j *job) {
	if w.conn == nil {
		return
	}
	done, theirs := w.conn.client.Transactions(), w.conn.client.Extensions().MailMax
	most := w.m.config().pace(j.path).Messages
	if most > 0 && done >= most || theirs > 0 && done >= theirs {
		w.hangUp()
	}
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.conn.quit()
		w.conn = nil
	}
}

func (w *worker) giveBack(j *job) {
	w.hangUp()
	if err := w.m.store.Return(j.claims); err != nil {
		w.m.logStoreError("return", err)
	}
}
