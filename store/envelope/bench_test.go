package envelope

import (
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// BenchmarkEnvelopes reads and writes a message as an account's mail program hands it over.
func BenchmarkEnvelopes(b *testing.B) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	m := &spooled.Message{ID: spooled.ID{1}, Account: "acme", Period: "2026-03", Sender: "news@acme.example", Size: 10240, Stored: 10240, Accepted: at, Expires: at.AddDate(0, 0, 4),
		MessageID: "<20260301120000.1234@mail.acme.example>", Client: "192.0.2.1", Login: "acme", BodyHash: make([]byte, 32),
		Recipients: []spooled.Recipient{{Address: "you@receiver.example", Domain: "receiver.example", State: spooled.Queued, Next: at}}}
	s := roomtest.Open(b)
	e := New()
	in := func(b *testing.B, fn func(t *room.Tx) error) {
		b.ReportAllocs()
		err := s.Update(0, func(t room.Tx) error {
			for range b.N {
				if err := fn(&t); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("write", func(b *testing.B) { in(b, func(t *room.Tx) error { return e.Write(t, m) }) })
	b.Run("write, not remembered", func(b *testing.B) {
		in(b, func(t *room.Tx) error { return t.Write(bucket.Messages, m.ID[:], m) })
	})
	b.Run("read", func(b *testing.B) { in(b, func(t *room.Tx) error { _, err := e.Read(t, m.ID); return err }) })
	b.Run("read, not remembered", func(b *testing.B) { in(b, func(t *room.Tx) error { _, err := New().Read(t, m.ID); return err }) })
}
