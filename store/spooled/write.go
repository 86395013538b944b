package spooled

import (
	"github.com/oklog/ulid/v2"

	"relay/store/mailreply"
	"relay/store/room"
	"relay/store/signing"
)

// WriteID appends a message's ID to a record.
func WriteID(o *room.Object, name string, id ID) {
	var text [ulid.EncodedSize]byte
	_ = id.MarshalTextTo(text[:]) // fails for another size only
	o.Plain(name, text[:])
}

// WriteFields writes the record, see room.Writer.
func (m *Message) WriteFields(o *room.Object) {
	WriteID(o, "id", m.ID)
	o.Text("account", m.Account)
	o.OptText("for", m.For)
	o.OptText("period", m.Period)
	o.Text("sender", m.Sender)
	o.Int("size", m.Size)
	o.Int("stored", m.Stored)
	o.Time("accepted", m.Accepted)
	o.Time("expires", m.Expires)
	o.OptText("message_id", m.MessageID)
	o.OptText("envid", m.EnvID)
	o.OptText("ret", m.Ret)
	o.OptTrue("8bit", m.EightBit)
	o.OptTrue("smtputf8", m.SMTPUTF8)
	o.OptTrue("requiretls", m.RequireTLS)
	o.OptTrue("verp", m.VERP)
	o.OptTrue("no_tls_terms", m.NoTLSTerms)
	o.OptText("client", m.Client)
	o.OptText("login", m.Login)
	if !m.About.IsZero() {
		WriteID(o, "about", m.About)
	}
	o.OptText("own", string(m.Own))
	o.OptTrue("traced", m.Traced)
	o.OptOctets("body_hash", m.BodyHash)
	if m.Signature != (signing.Signature{}) {
		o.Value("signature", &m.Signature)
	}
	o.OptTime("prolonged", m.Prolonged)
	o.OptTime("dsn_due", m.DSNDue)
	if m.Recipients == nil {
		o.Value("recipients", nil)
		return
	}
	o.Array("recipients", len(m.Recipients), func(i int) room.Writer { return &m.Recipients[i] })
}

// WriteFields writes the record, see room.Writer.
func (r *Recipient) WriteFields(o *room.Object) {
	o.Text("addr", r.Address)
	o.Text("domain", r.Domain)
	o.Text("state", string(r.State))
	o.OptTrue("held", r.Held)
	o.OptInt("tries", int64(r.Tries))
	o.OptTime("next", r.Next)
	o.OptText("reply", r.Reply)
	if r.Verdict != (mailreply.Verdict{}) {
		o.Value("verdict", &r.Verdict)
	}
	o.OptInt("notify", int64(r.Notify))
	o.OptText("orcpt", r.ORCPT)
	o.OptText("first", string(r.First))
	o.OptTrue("delayed", r.Delayed)
	if r.DSN != nil {
		o.Value("dsn", r.DSN)
	}
}
