package room_test

import (
	"math"
	"strings"
	"testing"
	"time"

	json "github.com/go-json-experiment/json/v1"
	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/room"
)

// line is a record that writes its own fields.
type line struct {
	Text   string    `json:"text"`
	More   string    `json:"more,omitempty"`
	N      int64     `json:"n"`
	M      int64     `json:"m,omitempty"`
	At     time.Time `json:"at"`
	Then   time.Time `json:"then,omitzero"`
	Is     bool      `json:"is,omitempty"`
	Octets []byte    `json:"octets,omitempty"`
	Of     []line    `json:"of"`
}

func (l *line) WriteFields(o *room.Object) {
	o.Text("text", l.Text)
	o.OptText("more", l.More)
	o.Int("n", l.N)
	o.OptInt("m", l.M)
	o.Time("at", l.At)
	o.OptTime("then", l.Then)
	o.OptTrue("is", l.Is)
	o.OptOctets("octets", l.Octets)
	if l.Of == nil {
		o.Value("of", nil)
		return
	}
	o.Array("of", len(l.Of), func(i int) room.Writer { return &l.Of[i] })
}

func drawLine(t *rapid.T, deep int) line {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	at := rapid.Custom(func(t *rapid.T) time.Time {
		s, n := rapid.Int64Range(-1<<36, 1<<37).Draw(t, "second"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanosecond")
		return time.Unix(s, n).In(time.FixedZone("", 60*rapid.IntRange(-900, 900).Draw(t, "minutes")))
	})
	l := line{Text: text.Draw(t, "text"), More: text.Draw(t, "more"), N: rapid.Int64().Draw(t, "n"), M: rapid.Int64().Draw(t, "m"),
		At: at.Draw(t, "at"), Is: rapid.Bool().Draw(t, "is"), Octets: rapid.SliceOf(rapid.Byte()).Draw(t, "octets")}
	if rapid.Bool().Draw(t, "then") {
		l.Then = at.Draw(t, "then")
	}
	if deep > 0 && rapid.Bool().Draw(t, "of") {
		l.Of = []line{}
		for range rapid.IntRange(0, 2).Draw(t, "lines") {
			l.Of = append(l.Of, drawLine(t, deep-1))
		}
	}
	return l
}

// A record that writes its own fields has the octets of json.Marshal, and its errors.
func TestEncode_writer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLine(t, 2)
		want, e := json.Marshal(l)
		if got, err := room.Encode(bucket.Meta, nil, &l); string(got) != string(want) || (err == nil) != (e == nil) {
			t.Fatalf("written %s, %v\nwant %s, %v", got, err, want, e)
		}
	})
}

// An instant that JSON cannot tell is an error as of any other record.
func TestEncode_writer_unwritable(t *testing.T) {
	_, err := room.Encode(bucket.Meta, []byte("k"), &line{At: time.Unix(math.MaxInt32*1000, 0)})
	if err == nil || !strings.HasPrefix(err.Error(), `encode meta "k": `) {
		t.Errorf("%v", err)
	}
}
