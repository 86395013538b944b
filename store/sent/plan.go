package sent

import (
	"cmp"
	"slices"
)

// Run describes a run.
type Run struct {
	Number  uint32   `json:"number"`
	Tier    int      `json:"tier"`
	First   int      `json:"first"` // day of its oldest entry, in UTC: a number
	Last    int      `json:"last"`  // of its newest one
	Entries int64    `json:"entries"`
	Chunks  uint32   `json:"chunks"`
	Of      []uint32 `json:"of,omitempty"`    // runs from which it is being made; nil: it is whole
	After   []byte   `json:"after,omitempty"` // of one that is being made: its last entry so far
	Gone    bool     `json:"gone,omitempty"`  // it counts no more, and is being removed
}

// Live reports whether look-ups read the run.
func (r *Run) Live() bool { return r.Of == nil && !r.Gone }

// Tiers above those of a day's runs.
const (
	TierDay  = 100 // all of a day
	TierSpan = 101 // all of some days
)

const (
	fan      = 8  // runs of a tier that become one
	spanDays = 8  // days whose runs become one
	Kept     = 90 // days that an entry is found
)

// Act is what is to be done next.
type Act int

// The acts.
const (
	Rest   Act = iota // nothing
	Begin             // begin to make Job.Run
	GoOn              // go on making Job.Run
	Retire            // Job.Run is too old: it is gone from now on
	Remove            // remove some of Job.Run, which is gone
)

// Job is an act and the run that it is about. Of one to begin the number is missing.
type Job struct {
	Act Act
	Run Run
}

// Plan says what is to be done next with runs, on a day. What makes many runs out of few new
// entries goes first, then what frees room, then the long merges.
func Plan(runs []Run, today int) Job {
	busy := map[uint32]bool{}
	var making []Run
	for _, r := range runs {
		if r.Of != nil && !r.Gone {
			making = append(making, r)
			for _, n := range r.Of {
				busy[n] = true
			}
		}
	}
	var free []Run
	for _, r := range runs {
		if r.Live() && !busy[r.Number] {
			free = append(free, r)
		}
	}
	slices.SortFunc(free, func(a, b Run) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Number, b.Number))
	})
	next, found := within(free)
	for _, r := range making {
		if r.Tier < TierDay && (!found || r.Tier <= next.Run.Tier) {
			next, found = Job{GoOn, r}, true
		}
	}
	if found {
		return next
	}
	return larger(runs, free, making, busy, today)
}

// larger is what to do when the runs of no day are too many.
func larger(runs, free, making []Run, busy map[uint32]bool, today int) Job {
	for _, r := range runs {
		switch {
		case r.Gone:
			return Job{Remove, r}
		case r.Live() && !busy[r.Number] && r.Last < today-Kept:
			return Job{Retire, r}
		}
	}
	day, ok := over(free, TierDay, today, func(r *Run) int { return r.Last })
	if ok && !slices.ContainsFunc(making, func(r Run) bool { return r.Tier == TierDay }) {
		return day
	}
	slices.SortFunc(making, func(a, b Run) int { return cmp.Compare(a.Tier, b.Tier) })
	if len(making) > 0 {
		return Job{GoOn, making[0]}
	}
	span, _ := over(free, TierSpan, today/spanDays, func(r *Run) int { return r.Last / spanDays })
	return span
}

// within finds runs of a day and a tier that are as many as make one of the next tier: those of
// the lowest tier.
func within(free []Run) (best Job, found bool) {
	for i := 0; i+fan <= len(free); i++ {
		a, b := &free[i], &free[i+fan-1]
		if a.Tier < TierDay-1 && a.Last == b.Last && a.Tier == b.Tier && (!found || a.Tier+1 < best.Run.Tier) {
			best, found = Job{Begin, madeOf(free[i:i+fan], a.Tier+1)}, true
		}
	}
	return best, found
}

// over finds several runs of a time that is over: of that with the least number.
func over(free []Run, tier, now int, of func(*Run) int) (Job, bool) {
	for i := 0; i < len(free); {
		n := i + 1
		for n < len(free) && of(&free[n]) == of(&free[i]) {
			n++
		}
		if n > i+1 && of(&free[i]) < now {
			return Job{Begin, madeOf(free[i:n], tier)}, true
		}
		i = n
	}
	return Job{}, false
}

// madeOf is the run that others are to become.
func madeOf(list []Run, tier int) Run {
	r := Run{Tier: tier, First: list[0].First, Last: list[0].Last}
	for i := range list {
		r.Of = append(r.Of, list[i].Number)
		r.First, r.Last = min(r.First, list[i].First), max(r.Last, list[i].Last)
	}
	return r
}

// RunOfPart describes the run that sorted entries of a part become.
func RunOfPart(number uint32, list []byte) Run {
	r := Run{Number: number, Entries: int64(len(list) / Size)}
	for at := 0; at < len(list); at += Size {
		d := dayOf(list[at:])
		if at == 0 {
			r.First, r.Last = d, d
		}
		r.First, r.Last = min(r.First, d), max(r.Last, d)
	}
	return r
}
