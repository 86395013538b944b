package store

import (
	"bytes"
	"log/slog"
	"time"

	"relay/store/bookclock"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
)

// Now is the business's wall clock, in UTC: the queue and the trace go by it.
func (s *Store) Now() time.Time { return s.clock.Wall() }

// BookTime is the clock of the books, in UTC: months close, terms end and accounts
// are judged by it. It is Now, unless the wall clock is plainly wrong; see Hold.
func (s *Store) BookTime() time.Time {
	return s.db.BookTime()
}

// Past is an instant that is surely past: the earlier one of the two clocks. Mail is
// given up and traces are removed by it, not by a clock that is months ahead.
func (s *Store) Past() time.Time { return s.db.Past() }

// Hold says that the clock of the books stands still, because the wall clock is
// plainly wrong; nil: it goes.
func (s *Store) Hold() *bookclock.Hold { return s.clock.Hold() }

// BelieveClock is the operator's word that the wall clock is right. It is stored.
func (s *Store) BelieveClock() error {
	s.clock.Believe()
	return s.update(0, func(t *tx) error { t.Touch(); return nil })
}

// TrustClock has the wall clock believed whatever it shows, or no longer so.
func (s *Store) TrustClock(on bool) { s.clock.Trust(on) }

// startClock goes on from what the last commit noted. Meta, key "clock".
func (s *Store) startClock(o *Options) error {
	var from bookclock.State
	err := s.db.Engine().View(func(b *engine.Tx) error { _, err := (&room.Tx{Tx: b}).Read(bucket.Meta, keyClock, &from); return err })
	if err != nil {
		return err
	}
	s.clock = bookclock.New(bookclock.Options{Wall: o.Now, Kept: o.Kept, Told: s.logHold, Trust: o.TrustClock}, from)
	return nil
}

// lastNote is what a commit noted last, so that it is decoded when it changes and not
// at every commit. The writer has it.
type lastNote struct {
	raw   []byte
	state bookclock.State
}

// noteTime rides with a commit: the next start compares the wall clock with it.
func (s *Store) noteTime(b *engine.Tx) error {
	if raw := b.Get(bucket.Meta, keyClock); !bytes.Equal(raw, s.noted.raw) {
		var is bookclock.State
		if _, err := (&room.Tx{Tx: b}).Read(bucket.Meta, keyClock, &is); err != nil {
			return err
		}
		s.noted = lastNote{bytes.Clone(raw), is}
	}
	if is, changed := s.clock.Note(s.noted.state); changed {
		return (&room.Tx{Tx: b}).Write(bucket.Meta, keyClock, is)
	}
	return nil
}

func (s *Store) logHold(h *bookclock.Hold) {
	if h == nil {
		s.log.Info("the clock is believed again, the books go on", "component", "store")
		return
	}
	s.log.Warn("the clock is plainly wrong, the books stand still", "component", "store",
		slog.Time("clock", h.Wall), slog.Time("books", h.Stands),
		"advice", "set the clock right; if it is right: relay job run close")
}

// Today is the number of the day in the operator's zone.
func (s *Store) Today() int { return room.DayNumber(s.Now(), s.zone) }
