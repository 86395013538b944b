package envelope

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/mailreply"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/signing"
	"relay/store/spooled"
)

var errUndone = errors.New("undone")

// plain makes messages comparable that say the same: a record names no zone but by its offset.
func plain(t *rapid.T, v reflect.Value) {
	if at, ok := v.Addr().Interface().(*time.Time); ok {
		if s := at.String(); strings.Contains(s, "m=") {
			t.Errorf("read with a reading of the monotonic clock: %s", s)
		}
		*at = at.UTC()
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				plain(t, v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			plain(t, v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			plain(t, own.Elem())
			v.Set(own)
		}
	}
}

// decoded is a message as somebody reads it who remembers nothing.
func decoded(t *rapid.T, tx *room.Tx, id spooled.ID) *spooled.Message {
	m := &spooled.Message{}
	there, err := tx.Read(bucket.Messages, id[:], m)
	if err != nil {
		t.Fatal(err)
	}
	if !there {
		return nil
	}
	return m
}

// spoil changes all that the owner of a message may change.
func spoil(m *spooled.Message) {
	m.Expires, m.Sender, m.DSNDue, m.Signature = time.Unix(7, 0), "spoilt", time.Unix(8, 0), signing.Signature{Domain: "spoilt"}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		r.State, r.Tries, r.Next, r.Reply, r.DSN = "spoilt", 99, time.Unix(9, 0), "spoilt", nil
		r.Verdict = mailreply.Verdict{Category: "spoilt"}
	}
	m.Recipients = append(m.Recipients, spooled.Recipient{Address: "spoilt"})
}

// Whatever is written, undone, changed by others and removed, in one transaction or in several:
// a message is read as its record says, and those who have it may change it.
func TestEnvelopes(t *testing.T) {
	s := roomtest.Open(t)
	rapid.Check(t, func(t *rapid.T) {
		e := New()
		ids := []spooled.ID{{1}, {2}, {3}}
		check := func(tx *room.Tx) {
			for _, id := range ids {
				want := decoded(t, tx, id)
				plain(t, reflect.ValueOf(&want).Elem())
				for range 2 {
					got, err := e.Read(tx, id)
					plain(t, reflect.ValueOf(&got).Elem())
					if !reflect.DeepEqual(got, want) || err != nil {
						t.Fatalf("read %+v, %v, want %+v", got, err, want)
					}
					if got != nil {
						spoil(got)
					}
				}
			}
		}
		act := func(tx *room.Tx) (err error) {
			m := &spooled.Message{}
			roomtest.Fill(t, m)
			m.ID = rapid.SampledFrom(ids).Draw(t, "id")
			switch rapid.SampledFrom([]string{"write", "write", "again", "other", "remove", "other removes"}).Draw(t, "act") {
			case "write":
				err = e.Write(tx, m)
				spoil(m)
			case "again": // as it was read, with a change, as a claim does
				if m, err = e.Read(tx, m.ID); m != nil {
					m.Expires = roomtest.Time(t)
					err = errors.Join(err, e.Write(tx, m))
				}
			case "other":
				err = tx.Write(bucket.Messages, m.ID[:], m)
			case "remove":
				err = e.Remove(tx, m.ID)
			case "other removes":
				err = tx.Delete(bucket.Messages, m.ID[:])
			}
			return err
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) {
				_ = s.View(func(tx room.Tx) error { check(&tx); return nil })
			},
			"transaction": func(r *rapid.T) {
				t = r
				undone := rapid.Bool().Draw(t, "undone")
				err := s.Update(0, func(tx room.Tx) error {
					for range rapid.IntRange(1, 3).Draw(t, "acts") {
						if err := act(&tx); err != nil {
							return err
						}
						check(&tx)
					}
					if undone {
						return errUndone
					}
					return nil
				})
				if undone != errors.Is(err, errUndone) || err != nil && !undone {
					t.Fatal(err)
				}
			},
		})
		for _, id := range ids {
			_ = s.Update(0, func(tx room.Tx) error { return e.Remove(&tx, id) })
		}
		if e.octets != 0 || len(e.young)+len(e.old) > 0 {
			t.Fatalf("%d octets, %d and %d messages are remembered of none", e.octets, len(e.young), len(e.old))
		}
	})
}

// What was written is not decoded, unless its record cannot give it back.
func TestEnvelopes_Read_remembers(t *testing.T) {
	s := roomtest.Open(t)
	e := New()
	for sender, want := range map[string]bool{"": true, "me@acme.test": true, "m\u00fc@acme.test": true, "\xff@acme.test": false, "\uFFFD@acme.test": false} {
		s.Do(t, func(tx *room.Tx) error { return e.Write(tx, &spooled.Message{ID: spooled.ID{1}, Sender: sender}) })
		if w := e.find(spooled.ID{1}); (w != nil && w.m.Sender == sender) != want {
			t.Errorf("%q: remembered %+v, want %t", sender, w, want)
		}
	}
}

// What is remembered is bounded, and the last ones are.
func TestEnvelopes_bound(t *testing.T) {
	s := roomtest.Open(t)
	e := New()
	write := func(i, octets int) {
		m := &spooled.Message{ID: spooled.ID{byte(i >> 8), byte(i)}, MessageID: strings.Repeat("x", octets)}
		s.Do(t, func(tx *room.Tx) error { return e.Write(tx, m) })
		octets = 0
		for _, half := range []map[spooled.ID]*written{e.young, e.old} {
			for _, w := range half {
				octets += len(w.raw)
			}
		}
		if octets > mostOctets {
			t.Fatalf("%d octets are remembered", octets)
		}
	}
	for i := range 300 {
		write(i, 20_000)
	}
	for i := 299; i > 250; i-- {
		if e.find(spooled.ID{byte(i >> 8), byte(i)}) == nil {
			t.Errorf("message %d is not remembered", i)
		}
	}
	write(299, mostOctets/2)
	if e.find(spooled.ID{1, 299 - 256}) != nil {
		t.Error("what is too large is remembered")
	}
}

// A damaged record is told by its key.
func TestEnvelopes_Read_damaged(t *testing.T) {
	s := roomtest.Open(t)
	e := New()
	id := spooled.ID{1}
	s.Do(t, func(tx *room.Tx) error {
		return errors.Join(e.Write(tx, &spooled.Message{ID: id}), tx.Put(bucket.Messages, id[:], []byte("{")))
	})
	s.Do(t, func(tx *room.Tx) error {
		if m, err := e.Read(tx, id); m != nil || err == nil || !strings.HasPrefix(err.Error(), `decode messages "\x01`) {
			t.Errorf("%v, %v", m, err)
		}
		return nil
	})
}
