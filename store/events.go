package store

import "log/slog"

// One function per event. What an account does with a message is logged by who
// does it; here is what only the store knows.

func (s *Store) logDropped(ids []ID) {
	for _, id := range ids {
		s.log.Info("message dropped", "component", "store", "spool_id", id.String())
	}
}

// logNotSwept may come for every long message while the disk is full.
func (s *Store) logNotSwept(id ID, err error) {
	s.quiet.Often(slog.LevelWarn, "", "body not removed, the next start tries again",
		slog.String("component", "store"), slog.String("spool_id", id.String()), slog.Any("err", err))
}
