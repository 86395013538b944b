package trace

import (
	"relay/store/mailreply"
	"relay/store/room"
	"relay/store/spooled"
)

// WriteFields writes the record, see room.Writer.
func (e *Event) WriteFields(o *room.Object) {
	spooled.WriteID(o, "id", e.ID)
	o.Time("time", e.Time)
	o.Text("event", string(e.Kind))
	o.OptText("account", e.Account)
	o.OptText("sender", e.Sender)
	o.OptInt("size", e.Size)
	o.OptText("message_id", e.MessageID)
	o.OptText("client", e.Client)
	o.OptText("next_hop", e.NextHop)
	o.OptText("tls", e.TLS)
	o.OptInt("ms", e.Millis)
	o.OptText("text", e.Text)
	o.OptText("note", string(e.Note))
	if !e.Other.IsZero() {
		spooled.WriteID(o, "other", e.Other)
	}
	o.OptInt("sent", int64(e.Sent))
	o.OptText("reporter", e.Reporter)
	if len(e.Recipients) > 0 {
		o.Array("recipients", len(e.Recipients), func(i int) room.Writer { return &e.Recipients[i] })
	}
}

// WriteFields writes the record, see room.Writer.
func (r *EventOutcome) WriteFields(o *room.Object) {
	o.Text("addr", r.Address)
	o.OptText("state", string(r.State))
	o.OptText("reply", r.Reply)
	if r.Verdict != (mailreply.Verdict{}) {
		o.Value("verdict", &r.Verdict)
	}
	o.OptTime("next", r.Next)
	o.OptTime("since", r.Since)
	o.OptText("named", r.Named)
}
