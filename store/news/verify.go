package news

import (
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// Verify proves that each piece of news is listed under its due time, and nothing else is. each
// walks a bucket.
func Verify(t *room.Tx, each func(engine.Bucket, func(key, raw []byte)) error, fault func(format string, args ...any)) error {
	listed := 0
	if err := each(bucket.NewsDue, func([]byte, []byte) { listed++ }); err != nil {
		return err
	}
	err := each(bucket.NewsOf, func(k, raw []byte) {
		n := Item{}
		if err := room.Decode(bucket.NewsOf, k, raw, &n); err != nil {
			fault("%v", err)
			return
		}
		if listed--; t.Get(bucket.NewsDue, n.dueKey()) == nil {
			fault("news %q is not listed under its due time", k)
		}
	})
	if listed != 0 {
		fault("%d more pieces of news are listed than there are", listed)
	}
	return err
}
