package attempt

import (
	"context"
	"slices"
	"time"

	"relay/mailer/client"
	"relay/mailer/link"
)

// Worker is one connection to a site, and the goroutine that speaks on it. It
// settles each message before it takes the next one.
type Worker struct {
	m      *Sender
	ctx    context.Context // of connections; ends when the drain is over
	taking context.Context // of connections being made; ends when the drain begins
	owner  Owner
	Jobs   chan *Job // capacity 1; closed: the worker ends
	Told   chan *Job // capacity 1: the job that follows, or nil, see Owner.Promise
	Leash  leash

	conn   *link.Connection // nil: none
	coming *attempt         // with the job that follows, see ahead
}

// Owner is what a worker tells the schedule. None of these waits for an answer.
type Owner struct {
	Connected   func()
	Finished    func(*Job, Ending)        // the job is settled, or was given back
	Unreachable func(*Job, *link.Failure) // no host took a connection: the job was not attempted
	Idle        func()                    // it has waited for long enough
	Promise     func()                    // asks for the job that follows; it comes through Told
	Forgone     func()                    // that job was not attempted
	Gone        func()                    // the connection is closed, and the goroutine ends
}

// NewWorker waits for its first job when it runs.
func NewWorker(m *Sender, ctx, taking context.Context, o Owner) *Worker {
	return &Worker{m: m, ctx: ctx, taking: taking, owner: o, Jobs: make(chan *Job, 1), Told: make(chan *Job, 1)}
}

// Ending is how a worker stands after a job.
type Ending struct {
	Open  bool   // the connection can be used again
	Spoke bool   // a next hop answered in good order
	Lost  bool   // one broke off in mid-transaction, and not because of one recipient
	Why   string // why one did
	Broke []int  // claims of the job that were broken off by all hosts that were asked
	Said  []Said // what became of its recipients

	Next time.Time // earliest next try that the attempt stored; zero: it left those of its claims
}

// Run does the jobs that come through Jobs. It returns once Jobs is closed, or no host took a
// connection for a job.
func (w *Worker) Run() {
	defer w.owner.Gone()
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
			w.owner.Unreachable(j, failed)
			return
		}
		w.owner.Finished(j, end)
	}
}

// next waits for a job, not for ever, where none has come ahead.
func (w *Worker) next() (*attempt, bool) {
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

func (w *Worker) wait() (*Job, bool) {
	select {
	case j, ok := <-w.Jobs:
		return j, ok
	default:
	}
	timer := time.NewTimer(w.m.config().IdleTimeout)
	defer timer.Stop()
	select {
	case j, ok := <-w.Jobs:
		return j, ok
	case <-timer.C:
		w.owner.Idle()
		j, ok := <-w.Jobs
		return j, ok
	}
}

// serve does a job: from host to host, as long as there are recipients that none
// has decided about. With a failure the job was not attempted: no connection
// could be made that takes mail.
func (w *Worker) serve(a *attempt) (end Ending, failed *link.Failure) {
	j := a.job
	if j.Fault != nil {
		return w.refuse(j)
	}
	if j.Again {
		w.m.NoteDialled(j.Claims)
	}
	for a.more() {
		if failed = w.ready(a); failed == nil {
			w.transact(a, &end)
		}
		if w.conn == nil || a.open() {
			w.forgo()
		}
		if w.Leash.wasPulled() {
			return w.giveWay(a, failed), nil
		}
		if failed != nil {
			if !a.reached && !failed.Unsafe && !failed.Rest {
				return Ending{}, failed
			}
			a.stop(failed)
			end.Why = failed.Err.Error()
			break
		}
	}
	if w.ctx.Err() != nil && !a.answered {
		w.giveBack(j) // we broke it off ourselves
		return Ending{}, nil
	}
	w.m.settle(a)
	if w.coming != nil && w.taking.Err() != nil {
		w.hangUp() // nothing new is begun
	}
	w.retire(j)
	end.Open, end.Broke, end.Said, end.Next = w.conn != nil, a.broke(), a.said, a.again
	return end, nil
}

// giveWay ends an attempt that was broken off for other accounts' mail. That was
// an attempt, and tells nothing about the site.
func (w *Worker) giveWay(a *attempt, failed *link.Failure) Ending {
	f := &link.Failure{Err: &client.ConnError{Stage: client.StageConnect, Err: client.ErrInterrupted}, Local: true}
	if failed != nil {
		f.Err.Stage, f.Host, f.Addr = failed.Err.Stage, failed.Host, failed.Addr
	}
	w.hangUp()
	a.stop(f)
	w.m.settle(a)
	return Ending{Next: a.again}
}

// refuse settles a job of a domain without next hops.
func (w *Worker) refuse(j *Job) (Ending, *link.Failure) {
	failed := &link.Failure{Err: &client.ConnError{Stage: client.StageConnect, Reply: faultReply(j.Fault)}, Local: true}
	if !j.Fault.Permanent {
		return Ending{}, failed
	}
	w.m.SettleUnreached(j, failed)
	return Ending{Spoke: true}, nil
}

// ready sees to a connection that suits what is left of the attempt.
func (w *Worker) ready(a *attempt) *link.Failure {
	if w.conn != nil && a.suits(w.conn) {
		a.tour.visit(w.conn.Hop())
		return nil
	}
	base := w.taking
	if a.reached && a.tour.again {
		base = w.ctx
	}
	ctx, cancel := context.WithCancel(base)
	defer cancel()
	w.Leash.dialling(cancel)
	begin := time.Now()
	c, failed := w.connect(ctx, a)
	a.connecting += time.Since(begin)
	switch may := w.Leash.transacting(nil); {
	case failed != nil:
		return failed
	case !may:
		c.Drop()
		return &link.Failure{Err: &client.ConnError{Err: client.ErrInterrupted}, Host: c.Host, Addr: c.Addr, Local: true}
	}
	c.LastUntil(w.ctx)
	w.conn = c
	w.owner.Connected()
	return nil
}

// transact sends the message to as many of the recipients that are left as go
// into one transaction.
func (w *Worker) transact(a *attempt, end *Ending) {
	c := w.conn
	fresh := c.Client.Transactions() == 0
	if !w.Leash.transacting(c.Client) {
		return
	}
	part := a.next(c)
	a.countTLS(c)
	if a.sent == nil {
		a.signing = w.m.signatures.Of(a.job.Message)
	}
	body := w.m.spool.Bodies.Open(a.job.Message.ID)
	res := c.Client.DeliverBefore(a.prepare(part), &signed{attempt: a, body: body}, client.Ahead{
		Next: func() *client.Envelope { return w.ahead(a, part, c) },
		Sent: w.signAhead,
		Late: w.forgo,
	})
	_ = body.Close()
	w.Leash.transacting(nil)
	if !c.Client.Usable() || res.Odd {
		w.conn = nil
		c.Drop()
	}
	a.hold(c.Name, res.Dialogue)
	if res.Err == nil {
		if res.Odd && w.plainly(a, &res, c) {
			return
		}
		a.take(part, &res, c)
		w.heard(a, part, c)
		end.Spoke = true
		return
	}
	if w.Leash.wasPulled() {
		a.lose(part, &res, c)
		return
	}
	if !w.excuse(a, part, &res, c, fresh) {
		w.lost(a, part, &res, c, end)
	}
}

// heard notes that a host answered a transaction for part of an attempt. If it took
// some of that, the hosts before it that broke off without a word are in trouble.
func (w *Worker) heard(a *attempt, part []int, c *link.Connection) {
	memory, addr := &w.m.Hosts, c.Addr.Addr()
	memory.Answered(addr)
	if c.Slow && a.tour.slow {
		again := slices.ContainsFunc(part, func(i int) bool { return replyOf(&a.targets[i].out) == a.tour.odd })
		memory.Loses(addr, !again)
	}
	if !slices.ContainsFunc(part, func(i int) bool { return a.targets[i].out.Reply.Delivered() }) {
		return
	}
	for _, s := range a.tour.suspects {
		if s != addr {
			memory.Failed(s)
		}
	}
	a.tour.suspects = nil
}

// excuse reports whether the same host is tried again for a connection that broke
// off: one that was reused and had been closed meanwhile, or one on which several
// commands were sent at once, which not all hosts that offer it can take.
func (w *Worker) excuse(a *attempt, part []int, res *client.Result, c *link.Connection, fresh bool) bool {
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
func (w *Worker) plainly(a *attempt, res *client.Result, c *link.Connection) bool {
	odd := reply{}
	if res.Err == nil {
		odd = oddReply(res)
	}
	if !odd.strange() && (!w.m.Hosts.MayLose(c.Addr.Addr()) || !a.tour.back()) {
		return false
	}
	a.tour.again, a.tour.slow, a.tour.odd = true, true, odd
	return true
}

// lost is for a connection that broke off. At the first MAIL the host is out of
// order; later, it may be for the recipients that it broke off for.
func (w *Worker) lost(a *attempt, part []int, res *client.Result, c *link.Connection, end *Ending) {
	if w.ctx.Err() != nil {
		a.lose(part, res, c) // it was us
		return
	}
	failed := &link.Failure{Err: res.Err, Host: c.Host, Addr: c.Addr}
	domain := a.domain(part[max(res.Told, 0)])
	if c.Slow && a.tour.slow {
		w.m.Hosts.Loses(c.Addr.Addr(), false)
	}
	if res.Err.Stage <= client.StageMail && w.m.Hosts.Busy(c.Addr.Addr(), domain) {
		w.m.logHostFailed(failed)
		a.tour.fail(failed)
		a.tour.leave()
		return
	}
	a.lose(part, res, c)
	if res.Uncertain {
		w.m.doubts.Add(a.job.Message.ID, c.Addr.Addr())
		if res.Odd && w.m.Hosts.MayLose(c.Addr.Addr()) {
			w.m.Hosts.Loses(c.Addr.Addr(), true) // the message is not sent again now to find out
		}
	}
	if atAnyHost(res.Err) {
		a.stop(failed) // ours, or the message's: the next host could do no better
		return
	}
	if res.Err.Stage > client.StageMail {
		w.m.Hosts.Broke(c.Addr.Addr(), domain)
	}
	if res.Err.Reply.Code == 0 {
		a.tour.suspects = append(a.tour.suspects, c.Addr.Addr())
	}
	a.tour.fail(failed)
	end.Lost = end.Lost || res.Told < 0
	end.Why = res.Err.Error()
}

// retire closes a connection that has carried its share, as it is now.
func (w *Worker) retire(j *Job) {
	if w.conn != nil && w.coming == nil && w.conn.Spent(j.Limits.Messages) {
		w.hangUp()
	}
}

func (w *Worker) hangUp() {
	if w.conn != nil {
		w.conn.Quit()
		w.conn = nil
	}
}

func (w *Worker) giveBack(j *Job) {
	w.hangUp()
	if err := w.m.spool.Return(j.Claims); err != nil {
		w.m.StoreFails("return", err)
	}
}
