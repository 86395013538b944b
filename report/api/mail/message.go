package mail

import (
	"context"
	"errors"
	"time"

	"relay/report/api/act"
	"relay/store"
	"relay/store/mailreply"
	"relay/store/spooled"
)

// Message is a message of the queue.
type Message struct {
	ID         spooled.ID  `json:"id"`
	Account    string      `json:"account"`
	Sender     string      `json:"sender" doc:"Empty: a notice of the relay, or the null reverse-path."`
	Size       int64       `json:"size"`
	Accepted   time.Time   `json:"accepted"`
	Expires    time.Time   `json:"expires"`
	MessageID  string      `json:"message_id"`
	Recipients []Recipient `json:"recipients"`
}

// Recipient of a message.
type Recipient struct {
	Address string             `json:"address"`
	State   spooled.State      `json:"state"`
	Held    bool               `json:"held"`
	Tries   int                `json:"tries"`
	Next    *time.Time         `json:"next" doc:"null: no further attempt, or held."`
	Reply   string             `json:"reply"`
	Verdict *mailreply.Verdict `json:"verdict" doc:"What the reply means; null: nothing is known, or it was delivered."`
	Chosen  bool               `json:"chosen" doc:"It is not done, and what the request says of recipients holds for it."`
	InHand  bool               `json:"in_hand" doc:"It is being delivered, or about to be."`
	Wait    *act.Wait          `json:"wait" doc:"What else keeps it; null: nothing, or it is not known, since no relay runs."`
}

// views of messages, with what the running relay knows of them.
func views(ctx context.Context, s *act.Service, f *spooled.Filter, list []*spooled.Message) []Message {
	known := outlooks(ctx, s, list)
	out := make([]Message, len(list))
	for i, m := range list {
		v := Message{ID: m.ID, Account: m.Whose(), Sender: m.Sender, Size: m.Size, Accepted: m.Accepted,
			Expires: m.Expires, MessageID: m.MessageID, Recipients: make([]Recipient, len(m.Recipients))}
		for j := range m.Recipients {
			r := &m.Recipients[j]
			v.Recipients[j] = Recipient{Address: r.Address, State: r.State, Held: r.Held, Tries: r.Tries, Reply: r.Reply, Chosen: f.MatchRecipient(r)}
			if r.Verdict != (mailreply.Verdict{}) {
				v.Recipients[j].Verdict = &r.Verdict
			}
			v.Recipients[j].expect(r, known[placeOf(m, r)])
		}
		out[i] = v
	}
	return out
}

// expect says what comes next for a recipient.
func (v *Recipient) expect(r *spooled.Recipient, o act.Outlook) {
	if r.State.Final() || r.Held {
		return
	}
	v.InHand, v.Wait = o.InHand, o.Wait
	if r.Waits() {
		v.InHand, v.Wait = false, &act.Wait{Reason: "first", Until: &r.Next}
	}
	if !r.Next.IsZero() {
		v.Next = &r.Next
	}
}

func placeOf(m *spooled.Message, r *spooled.Recipient) act.Place {
	return act.Place{ID: m.ID, Lane: spooled.Lane{Domain: r.Domain, Account: m.Account}}
}

// outlookTime is how long the running relay may take to say what comes next.
const outlookTime = time.Second

// outlooks are what the running relay knows of the messages' mail; nil: nothing is known.
func outlooks(ctx context.Context, s *act.Service, list []*spooled.Message) map[act.Place]act.Outlook {
	if s.Running == nil || s.Running.Mail == nil {
		return nil
	}
	known := map[act.Place]act.Outlook{}
	var places []act.Place
	for _, m := range list {
		for i := range m.Recipients {
			r := &m.Recipients[i]
			at := placeOf(m, r)
			if _, there := known[at]; !there && !r.State.Final() && !r.Held {
				known[at] = act.Outlook{}
				places = append(places, at)
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, outlookTime)
	defer cancel()
	said, err := s.Running.Mail.Outlooks(ctx, places)
	if err != nil {
		return nil // it is busy
	}
	for i, o := range said {
		known[places[i]] = o
	}
	return known
}

// MessageName is a request on one message.
type MessageName struct {
	ID string `path:"id"`
}

// ShowMessage shows one message.
var ShowMessage = act.New(act.Spec{Name: "queue show", Route: "GET /v1/queue/{id}", Summary: "A message of the queue, with each of its recipients", May: act.Operator}, showMessage)

func showMessage(ctx context.Context, s *act.Service, in *MessageName) (*Message, error) {
	m, err := message(s, in.ID)
	if err != nil {
		return nil, err
	}
	return &views(ctx, s, &spooled.Filter{}, []*spooled.Message{m})[0], nil
}

// message of the queue.
func message(s *act.Service, id string) (*spooled.Message, error) {
	parsed, err := parseID(id)
	if err != nil {
		return nil, err
	}
	m, err := s.Store.Spool.QueueMessage(parsed)
	if errors.Is(err, store.ErrNotFound) {
		return nil, act.Fail(act.NoSuch, "it may have been delivered: {trace "+parsed.String()+"}", "message %s is not in the queue", parsed)
	}
	return m, err
}
