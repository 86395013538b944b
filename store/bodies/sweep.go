package bodies

import (
	"log/slog"
	"sync"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// sweepAt is the number of chunks above which a body is removed in the background, under a mark in
// "orphans": one transaction for all of it would hold up all others.
const sweepAt = 128

// sweepPiece is how many chunks one transaction in the background removes. There is one such transaction
// at a time. So however much waits to be removed, the commits that take mail get longer by one piece at
// most.
const sweepPiece = 64

// leftover is a body to be removed, and the account for which octets of it still count
// as staged.
type leftover struct {
	id      spooled.ID
	account string
	staged  int64
}

// sweeper removes bodies one after the other.
type sweeper struct {
	sync.WaitGroup
	mu      sync.Mutex
	waiting []leftover
	busy    bool
}

// Delete removes the body of a message that is removed. later: it is long and only gets its mark, and the
// caller calls Gone when its transaction is on disk.
func (s *Bodies) Delete(t *room.Tx, id spooled.ID, size int64) (later bool, err error) {
	n := chunkCount(size)
	if n > sweepAt {
		return true, t.Put(bucket.Orphans, id[:], []byte{})
	}
	for i := range n {
		if err := t.Delete(bucket.Bodies, spooled.ChunkKey(id, i)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// sweepLater removes bodies with a mark in the background.
func (s *Bodies) sweepLater(list ...leftover) {
	w := &s.sweep
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, list...)
	if len(w.waiting) > 0 && !w.busy {
		w.busy = true
		w.Go(s.sweepAll)
	}
}

// Gone removes in the background the bodies that Delete has left.
func (s *Bodies) Gone(ids []spooled.ID) {
	for _, id := range ids {
		s.sweepLater(leftover{id: id})
	}
}

// sweepAll removes one body after the other. It ends when none is left, or with the store: the next start
// goes on.
func (s *Bodies) sweepAll() {
	for {
		a, ok := s.sweep.next()
		if !ok {
			return
		}
		err := s.sweepBody(&a)
		s.staged.give(a.account, a.staged) // also what could not be removed, which is not the account's fault
		if err != nil {
			s.logNotSwept(a.id, err)
		}
	}
}

func (w *sweeper) next() (a leftover, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.waiting, w.busy = nil, false
		return a, false
	}
	a = w.waiting[0]
	w.waiting = w.waiting[1:]
	return a, true
}

// sweepBody removes a body piece by piece.
func (s *Bodies) sweepBody(a *leftover) error {
	for more := true; more; {
		select {
		case <-s.db.Stopping():
			return nil
		default:
		}
		err := s.db.Update(sweepPiece*chunkSize, func(t room.Tx) (err error) { more, err = sweepSome(&t, a.id); return err })
		if err != nil {
			return err
		}
		freed := min(a.staged, sweepPiece*chunkSize)
		s.staged.give(a.account, freed)
		a.staged -= freed
	}
	return nil
}

// sweepSome removes a piece of a body, and the mark with the last one.
func sweepSome(t *room.Tx, id spooled.ID) (more bool, err error) {
	var keys [][]byte
	c := t.Cursor(bucket.Bodies)
	for k, _ := c.Seek(id[:]); k != nil && room.HasPrefix(k, id[:]); k, _ = c.Next() {
		if len(keys) == sweepPiece {
			more = true
			break
		}
		keys = append(keys, append([]byte(nil), k...))
	}
	for _, k := range keys {
		if err := t.Delete(bucket.Bodies, k); err != nil {
			return false, err
		}
	}
	if !more {
		err = t.Delete(bucket.Orphans, id[:])
	}
	return more, err
}

// SweepOrphans removes in the background what an earlier run staged and did not accept, or had not removed
// yet.
func (s *Bodies) SweepOrphans() error {
	var ids []spooled.ID
	err := s.db.View(func(t room.Tx) error {
		c := t.Cursor(bucket.Orphans)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			ids = append(ids, spooled.ID(k))
		}
		return nil
	})
	s.Gone(ids)
	return err
}

// Wait returns when nothing is left to remove, or the store is stopping.
func (s *Bodies) Wait() { s.sweep.Wait() }

// logNotSwept logs that a body could not be removed. While the disk is full that may be so for each.
func (s *Bodies) logNotSwept(id spooled.ID, err error) {
	s.o.Log.Often(slog.LevelWarn, "", "body not removed, the next start tries again",
		slog.String("component", "store"), slog.String("spool_id", id.String()), slog.Any("err", err))
}
