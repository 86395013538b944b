package mailer

import (
	"slices"

	"relay/mailer/client"
)

// ahead gives a worker's connection the message that follows, when the end of the one
// at hand is about to be sent, so that each message costs one round trip: nil where
// there is none, or the connection may not carry it. Nothing of that message can be
// taken before the one at hand is settled, since its end is sent after that.
func (w *worker) ahead(a *attempt, part []int, c *connection) *client.Envelope {
	if len(part) < len(a.left) || len(a.later) > 0 || c.spent(a.job.limits.Messages) {
		return nil
	}
	w.s.tell(func() { w.told <- w.s.promise(w) })
	j := <-w.told
	if j == nil {
		return nil
	}
	next := newAttempt(w.m, j)
	w.coming = next
	if j.again || !c.suits(next) {
		return nil
	}
	next.signing = w.m.signing(j.message)
	next.sent = next.envelope(next.next(c))
	return next.sent
}

// signAhead signs the message that follows, while the reply to the one at hand is on its
// way.
func (w *worker) signAhead() {
	if w.coming != nil {
		w.coming.sign()
	}
}

// forgo gives back the message that was to follow: its connection has ended, or goes
// on with other hosts. It was not attempted.
func (w *worker) forgo() {
	if w.coming != nil {
		w.coming = nil
		w.s.tell(func() { w.s.forgone(w) })
	}
}

// promise is the job that will follow the one that a worker has, as finished would
// decide; nil: none.
func (s *schedule) promise(w *worker) *job {
	t, now := w.site, s.m.store.Now()
	if s.stopping || w.leaving || t.queue.len() == 0 || t.blocked(now) || s.yields(w, w.done+1) || s.tooMany(t) {
		return nil
	}
	w.then = s.nextOn(t, now)
	s.touch(t)
	return w.then
}

// follow has a worker take the job that it was promised.
func (s *schedule) follow(w *worker) {
	j := w.then
	w.then = nil
	s.take(w, j)
}

// forgone puts a job that a worker was promised before the others of its account.
func (s *schedule) forgone(w *worker) {
	j := w.then
	w.then = nil
	j.leave()
	w.site.queue.unshift(j.message.Account, j)
	s.touch(w.site)
}

// reply is a code, and where it came.
type reply struct {
	stage client.Stage
	code  int
}

func replyOf(o *client.Outcome) reply { return reply{o.Stage, o.Reply.Code} }

// oddReply is the one for which a result without an error is odd.
func oddReply(res *client.Result) reply {
	i := slices.IndexFunc(res.Rcpts, func(o client.Outcome) bool { return replyOf(&o).strange() })
	return replyOf(&res.Rcpts[max(i, 0)])
}

// strange reports whether a refusal is hardly about a message: of DATA when recipients
// were accepted, or of a command that the host does not know, or not there.
func (r reply) strange() bool {
	return r.stage >= client.StageData || r.code >= 500 && r.code <= 504 && r.code != 501
}
