package attempt

import (
	"slices"

	"relay/mailer/client"
	"relay/mailer/link"
)

// ahead gives a worker's connection the message that follows, when the end of the one
// at hand is about to be sent, so that each message costs one round trip: nil where
// there is none, or the connection may not carry it. Nothing of that message can be
// taken before the one at hand is settled, since its end is sent after that.
func (w *Worker) ahead(a *attempt, part []int, c *link.Connection) *client.Envelope {
	if len(part) < len(a.left) || len(a.later) > 0 || c.Spent(a.job.Limits.Messages) {
		return nil
	}
	w.owner.Promise()
	j := <-w.Told
	if j == nil {
		return nil
	}
	next := newAttempt(w.m, j)
	w.coming = next
	if j.Again || !next.suits(c) {
		return nil
	}
	next.signing = w.m.signatures.Of(j.Message)
	next.sent = next.envelope(next.next(c))
	return next.sent
}

// signAhead signs the message that follows, while the reply to the one at hand is on its
// way.
func (w *Worker) signAhead() {
	if w.coming != nil {
		w.coming.sign()
	}
}

// forgo gives back the message that was to follow: its connection has ended, or goes
// on with other hosts. It was not attempted.
func (w *Worker) forgo() {
	if w.coming != nil {
		w.coming = nil
		w.owner.Forgone()
	}
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
