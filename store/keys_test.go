package store

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/room"
	"relay/store/spooled"
)

// Whatever lies in the file, a key is read or refused, and what is read is what
// was written.
func FuzzParseQueueKey(f *testing.F) {
	f.Add(spooled.QueueKey(spooled.Lane{Domain: "a.test", Account: "acme"}, epoch, spooled.ID{1, 2, 3}))
	f.Add(spooled.QueueKey(spooled.Lane{Domain: "[192.0.2.1]", Account: "a@b.test"}, spooled.Never, spooled.ID{}))
	f.Add([]byte("a.test\x00acme\x00"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, k []byte) {
		l, at, id, ok := spooled.ParseQueueKey(k)
		if !ok {
			return
		}
		if got := spooled.QueueKey(l, at, id); !bytes.Equal(got, k) {
			t.Errorf("%x was read as %v, %v, %v, which is written %x", k, l, at, id, got)
		}
	})
}

// Keys sort as they are read: by lane, then by due time, then by ID; and the keys
// of a lane are those that start with it.
func TestQueueKey_Order(t *testing.T) {
	lane := rapid.Custom(func(t *rapid.T) spooled.Lane {
		return spooled.Lane{Domain: rapid.StringMatching(`[a-z.]{0,4}`).Draw(t, "domain"), Account: rapid.StringMatching(`[a-z.]{0,4}`).Draw(t, "account")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := lane.Draw(t, "a"), lane.Draw(t, "b")
		at := func(name string) time.Time { return time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, name)) }
		ta, tb := at("ta"), at("tb")
		ka, kb := spooled.QueueKey(a, ta, spooled.ID{1}), spooled.QueueKey(b, tb, spooled.ID{1})
		want := strings.Compare(a.Domain+"\x00"+a.Account+"\x00", b.Domain+"\x00"+b.Account+"\x00")
		if want == 0 {
			want = ta.Compare(tb)
		}
		if got := bytes.Compare(ka, kb); got != want {
			t.Errorf("%v %v against %v %v: %d, want %d", a, ta, b, tb, got, want)
		}
		if room.HasPrefix(ka, b.Key()) != (a == b) {
			t.Errorf("key of %v in lane %v", a, b)
		}
	})
}

// Keys of the books, as they lie in files.

// keyOf a number of somebody's: of an entry of an account's ledger, or of an invoice in an index.
func keyOf(whose string, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(whose+"\x00"), n)
}

func keyOfInvoice(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// keyOfEnd is where an account lies whose open period ends then.
func keyOfEnd(at time.Time, account string) []byte {
	return append(room.AppendTime(nil, at), account...)
}

// keyOfDue is where an invoice lies that waits for its payment until then.
func keyOfDue(at time.Time, n uint64) []byte {
	return binary.BigEndian.AppendUint64(room.AppendTime(nil, at), n)
}
