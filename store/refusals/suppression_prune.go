package refusals

import (
	"fmt"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// PruneSuppressions removes what ended before then: suppressions, and strikes that count no
// more. It works in small transactions and stops with the store. The last one records the job
// as done ("": none).
func (r *Refusals) PruneSuppressions(before time.Time, job string) (removed int, err error) {
	lists := []room.Passing{
		{In: bucket.Suppressed, Ended: func(raw []byte) (bool, error) {
			var is Suppression
			err := room.Decode(bucket.Suppressed, nil, raw, &is)
			return !is.inForce(before), err
		}},
		{In: bucket.StrikesOf, Ended: func(raw []byte) (bool, error) {
			var is strikes
			err := room.Decode(bucket.StrikesOf, nil, raw, &is)
			return before.Sub(is.Last) > strikesKept, err
		}},
	}
	for i, l := range lists {
		var end func(*room.Tx) error
		if i == len(lists)-1 {
			end = func(t *room.Tx) error { return r.o.Done(t, job, before) }
		}
		n, err := l.Prune(r.db, end)
		if removed += n; err != nil {
			return removed, fmt.Errorf("prune %s: %w", bucket.Names[l.In], err)
		}
	}
	return removed, nil
}
