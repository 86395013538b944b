package mailer

import (
	"context"
	"slices"
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
	then *job      // that follows the one it has, as the owner knows; nil: none is promised

	hired time.Time
	job   *job      // that it has, as the owner knows; nil: it waits
	since time.Time // when it was given
	noted bool      // the store knows, or need not, that it is dialled for

	leash   leash
	leaving bool // the attempt was broken off

	conn   *connection // nil: none
	coming *attempt    // with the job that follows, see ahead
	told   chan *job   // capacity 1: the answer of the owner
}

// ending is how a worker stands after a job.
type ending struct {
	open  bool   // the connection can be used again
	spoke bool   // a next hop answered in good order
	lost  bool   // one broke off in mid-transaction, and not because of one recipient
	why   string // why one did
	broke []int  // claims of the job that were broken off by all hosts that were asked
	said  []said // what became of its recipients
}

func (w *worker) run() {
	defer w.s.tell(func() { w.s.gone(w) })
	defer w.hangUp()
	for {
		a, ok := w.next()
		if !ok {
			return
		}
		j := a.job
		end, failed := w.serve(a)
		if w.conn == nil {
			w.forgo()
		}
		if failed != nil {
			w.s.tell(func() { w.s.unreachable(w, j, failed) })
			return
		}
		w.s.tell(func() { w.s.finished(w, j, end) })
	}
}

// next waits for a job, not for ever, where none has come ahead.
func (w *worker) next() (*attempt, bool) {
	if a := w.coming; a != nil {
		w.coming = nil
		a.begin()
		return a, true
	}
	j, ok := w.wait()
	if !ok {
		return nil, false
	}
	return newAttempt(w.m, j), true
}

func (w *worker) wait() (*job, bool) {
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

// serve does a job: from host to host, as long as there are recipients that none
// has decided about. With a failure the job was not attempted: no connection
// could be made that takes mail.
func (w *worker) serve(a *attempt) (end ending, failed *failure) {
	j := a.job
	if j.fault != nil {
		return w.refuse(j)
	}
	if j.again {
		w.m.noteDialled(j.claims)
	}
	for a.more() {
		if failed = w.ready(a); failed == nil {
			w.transact(a, &end)
		}
		if w.conn == nil || a.open() {
			w.forgo()
		}
		if w.leash.wasPulled() {
			return w.giveWay(a, failed), nil
		}
		if failed != nil {
			if !a.reached && !failed.unsafe && !failed.rest {
				return ending{}, failed
			}
			a.stop(failed)
			end.why = failed.err.Error()
			break
		}
	}
	if w.s.ctx.Err() != nil && !a.answered {
		w.giveBack(j) // we broke it off ourselves
		return ending{}, nil
	}
	w.m.settle(a)
	if w.coming != nil && w.s.taking.Err() != nil {
		w.hangUp() // nothing new is begun
	}
	w.retire(j)
	end.open, end.broke, end.said = w.conn != nil, a.broke(), a.said
	return end, nil
}

// giveWay ends an attempt that was broken off for other accounts' mail. That was
// an attempt, and tells nothing about the site.
func (w *worker) giveWay(a *attempt, failed *failure) ending {
	f := &failure{err: &client.ConnError{Stage: client.StageConnect, Err: client.ErrInterrupted}, local: true}
	if failed != nil {
		f.err.Stage, f.host, f.addr = failed.err.Stage, failed.host, failed.addr
	}
	w.hangUp()
	a.stop(f)
	w.m.settle(a)
	return ending{}
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

// ready sees to a connection that suits what is left of the attempt.
func (w *worker) ready(a *attempt) *failure {
	if w.conn != nil && w.conn.suits(a) {
		a.tour.visit(w.conn.hop())
		return nil
	}
	base := w.s.taking
	if a.reached && a.tour.again {
		base = w.s.ctx
	}
	ctx, cancel := context.WithCancel(base)
	defer cancel()
	w.leash.dialling(cancel)
	begin := time.Now()
	c, failed := w.connect(ctx, a)
	a.connecting += time.Since(begin)
	switch may := w.leash.transacting(nil); {
	case failed != nil:
		return failed
	case !may:
		c.drop()
		return &failure{err: &client.ConnError{Err: client.ErrInterrupted}, host: c.host, addr: c.addr, local: true}
	}
	c.lastUntil(w.s.ctx)
	w.conn = c
	w.s.tell(func() { w.s.connected(w) })
	return nil
}

// transact sends the message to as many of the recipients that are left as go
// into one transaction.
func (w *worker) transact(a *attempt, end *ending) {
	c := w.conn
	fresh := c.client.Transactions() == 0
	if !w.leash.transacting(c.client) {
		return
	}
	part := a.next(c)
	a.countTLS(c)
	if a.sent == nil {
		a.signing = w.m.signing(a.job.message)
	}
	body := w.m.store.OpenBody(a.job.message.ID)
	res := c.client.DeliverBefore(a.prepare(part), &signed{attempt: a, body: body}, client.Ahead{
		Next: func() *client.Envelope { return w.ahead(a, part, c) },
		Sent: w.signAhead,
		Late: w.forgo,
	})
	_ = body.Close()
	w.leash.transacting(nil)
	if !c.client.Usable() || res.Odd {
		w.conn = nil
		c.drop()
	}
	a.hold(c.name, res.Dialogue)
	if res.Err == nil {
		if res.Odd && w.plainly(a, &res, c) {
			return
		}
		a.take(part, &res, c)
		w.heard(a, part, c)
		end.spoke = true
		return
	}
	if w.leash.wasPulled() {
		a.lose(part, &res, c)
		return
	}
	if !w.excuse(a, part, &res, c, fresh) {
		w.lost(a, part, &res, c, end)
	}
}

// heard notes that a host answered a transaction for part of an attempt. If it took
// some of that, the hosts before it that broke off without a word are in trouble.
func (w *worker) heard(a *attempt, part []int, c *connection) {
	hosts, addr := &w.m.hosts, c.addr.Addr()
	hosts.answered(addr)
	if c.slow && a.tour.slow {
		again := slices.ContainsFunc(part, func(i int) bool { return replyOf(&a.targets[i].out) == a.tour.odd })
		hosts.loses(addr, !again)
	}
	if !slices.ContainsFunc(part, func(i int) bool { return a.targets[i].out.Reply.Delivered() }) {
		return
	}
	for _, s := range a.tour.suspects {
		if s != addr {
			hosts.failed(s)
		}
	}
	a.tour.suspects = nil
}

// excuse reports whether the same host is tried again for a connection that broke
// off: one that was reused and had been closed meanwhile, or one on which several
// commands were sent at once, which not all hosts that offer it can take.
func (w *worker) excuse(a *attempt, part []int, res *client.Result, c *connection, fresh bool) bool {
	early := res.Err.Stage <= client.StageMail
	switch {
	case res.Odd && !res.Uncertain && w.plainly(a, res, c):
	case early && !fresh:
		return a.tour.back()
	case res.Pipelined && (!early || res.Err.Closed()) && w.plainly(a, res, c):
	default:
		return false
	}
	a.keep(part, res, c)
	return true
}

// plainly has the host at hand dialled once more, to be told one command at a time.
// Where it is known how the host takes several, that is done only for a reply that
// hardly is about the message.
func (w *worker) plainly(a *attempt, res *client.Result, c *connection) bool {
	odd := reply{}
	if res.Err == nil {
		odd = oddReply(res)
	}
	if !odd.strange() && (!w.m.hosts.mayLose(c.addr.Addr()) || !a.tour.back()) {
		return false
	}
	a.tour.again, a.tour.slow, a.tour.odd = true, true, odd
	return true
}

// lost is for a connection that broke off. At the first MAIL the host is out of
// order; later, it may be for the recipients that it broke off for.
func (w *worker) lost(a *attempt, part []int, res *client.Result, c *connection, end *ending) {
	if w.s.ctx.Err() != nil {
		a.lose(part, res, c) // it was us
		return
	}
	failed := &failure{err: res.Err, host: c.host, addr: c.addr}
	domain := a.domain(part[max(res.Told, 0)])
	if c.slow && a.tour.slow {
		w.m.hosts.loses(c.addr.Addr(), false)
	}
	if res.Err.Stage <= client.StageMail && w.m.hosts.busy(c.addr.Addr(), domain) {
		w.m.logHostFailed(failed)
		a.tour.fail(failed)
		a.tour.leave()
		return
	}
	a.lose(part, res, c)
	if res.Uncertain {
		w.m.doubts.add(a.job.message.ID, c.addr.Addr())
		if res.Odd && w.m.hosts.mayLose(c.addr.Addr()) {
			w.m.hosts.loses(c.addr.Addr(), true) // the message is not sent again now to find out
		}
	}
	if atAnyHost(res.Err) {
		a.stop(failed) // ours, or the message's: the next host could do no better
		return
	}
	if res.Err.Stage > client.StageMail {
		w.m.hosts.broke(c.addr.Addr(), domain)
	}
	if res.Err.Reply.Code == 0 {
		a.tour.suspects = append(a.tour.suspects, c.addr.Addr())
	}
	a.tour.fail(failed)
	end.lost = end.lost || res.Told < 0
	end.why = res.Err.Error()
}

// retire closes a connection that has carried its share, as it is now.
func (w *worker) retire(j *job) {
	if w.conn != nil && w.coming == nil && w.conn.spent(j.limits.Messages) {
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
