package host

import (
	"context"

	"relay/report/api/act"
)

// Compaction is what a compaction of the store's file gives back.
type Compaction struct {
	DryRun bool  `json:"dry_run"`
	Before int64 `json:"before" doc:"Octets of the file."`
	Free   int64 `json:"free" doc:"Of these, free for use."`
	After  int64 `json:"after" doc:"Octets of the file; in a dry run about."`
	Pays   bool  `json:"pays" doc:"It would free enough space to be worthwhile."`
}

// NewCompaction returns the figures for a file of that size with free octets in it.
func NewCompaction(file, free int64) *Compaction {
	return &Compaction{Before: file, Free: free, After: file - free, Pays: CompactionPays(file, free)}
}

// CompactionPays reports whether a file of that size with free octets in it is worth a
// compaction.
func CompactionPays(file, free int64) bool { return free > file/2 && free > 256_000_000 }

// ShowCompaction is the act that tells the figures. The compaction itself needs the store
// alone: a command does it while no relay runs.
var ShowCompaction = act.New(act.Spec{Name: "compact", Route: "GET /v1/compaction", Summary: "What a compaction of the store's file would give back", May: act.Operator}, showCompaction)

func showCompaction(_ context.Context, s *act.Service, _ *act.None) (*Compaction, error) {
	c := NewCompaction(s.Store.Size())
	c.DryRun = true
	return c, nil
}
