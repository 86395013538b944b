package backup

import (
	"context"
	"os"

	"relay/cli/proof"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/api/host"
)

// Prove makes a copy, proves it in a process of its own, and removes it again. The copy lies
// on the shelf, or beside the store where there is no shelf yet.
func (s Shelf) Prove(ctx context.Context, from host.Copier, watch func(what string) *term.Progress) (found proof.Result, err error) {
	dir := s.Dir
	if _, err := os.Stat(dir); err != nil {
		dir = s.Owner
	}
	out, err := wholefile.Begin(dir, "relay-check")
	if err != nil {
		return found, err
	}
	defer out.Discard()
	out.Rest = wholefile.NewPace()
	m, err := Take(ctx, from, out, watch("copying"), func(size int64) error { return wholefile.Room(dir, size) })
	if err != nil {
		return found, err
	}
	if err := out.Sync(); err != nil {
		return found, err
	}
	found, err = proof.Of(ctx, out.Name(), proof.WithSum)
	if err == nil && found.Stats.Problems == 0 {
		err = m.check(&found)
	}
	return found, err
}
