package site

import (
	"time"

	"relay/mailer/attempt"
	"relay/mailer/verdict"
	"relay/mailer/view"
)

// stats are what the mailer heard from a site since it came to know it.
type stats struct {
	Delivered, Deferred, Failed int64
	Last                        []view.Reply // the newest last
}

const lastReplies = 3 // of a site are remembered

// Note counts what was said, and remembers the reply unless it was delivered.
func (h *stats) Note(d *attempt.Said, now time.Time) {
	n := int64(d.Rcpts)
	switch d.Class {
	case verdict.Delivered:
		h.Delivered += n
		return
	case verdict.Deferred:
		h.Deferred += n
	default:
		h.Failed += n
	}
	if len(h.Last) == lastReplies {
		h.Last = append(h.Last[:0], h.Last[1:]...)
	}
	h.Last = append(h.Last, view.Reply{Time: now, Text: d.Reply, Category: string(d.Category), Slows: string(d.Slows)})
}
