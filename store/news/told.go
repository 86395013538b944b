package news

import (
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// forWeek is how long a kind of rememberWeek is not told again about the same matter.
const forWeek = 7 * 24 * time.Hour

// toldMark is what is remembered of news that was told. Bucket "told", JSON, key account NUL
// kind, or account NUL kind NUL about, see Kind.recall.
type toldMark struct {
	About string    `json:"about,omitempty"`
	Step  int       `json:"step,omitempty"`
	At    time.Time `json:"at"`
}

// toldKey is nil for a kind that is not remembered.
func (n *Item) toldKey() []byte {
	switch n.Kind.recall() {
	case rememberLast:
		return room.Pair(n.Account, string(n.Kind))
	case rememberWeek:
		return n.key()
	}
	return nil
}

// WasTold reports whether news was told already; a further step of it was not.
func WasTold(t *room.Tx, n *Item) (bool, error) {
	key := n.toldKey()
	if key == nil {
		return false, nil
	}
	m := toldMark{}
	found, err := t.Read(bucket.ToldOf, key, &m)
	if age := t.Wall.Sub(m.At); n.Kind.recall() == rememberWeek && (age < 0 || age >= forWeek) {
		return false, err
	}
	return found && m.About == n.About && m.Step >= n.Step, err
}

// NoteTold remembers news as told, of a kind that is remembered.
func NoteTold(t *room.Tx, n *Item) error {
	if key := n.toldKey(); key != nil {
		return t.Write(bucket.ToldOf, key, toldMark{About: n.About, Step: n.Step, At: t.Wall})
	}
	return nil
}
