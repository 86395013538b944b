package quota

import (
	"cmp"
	"slices"
	"time"
)

// Lot is credit of an account: what a top-up or a block bought ahead holds, or
// what blocks for overage left unused. JSON, in the account's record.
type Lot struct {
	Ref     string    `json:"ref"`             // of the entry that granted it; unique in the account
	Amount  int64     `json:"amount"`          // left, in units of the account's plan
	Granted time.Time `json:"granted"`         // UTC
	Expires time.Time `json:"expires"`         // UTC, excluded: the end of the term
	Fresh   bool      `json:"fresh,omitempty"` // bought, and no period closed since: not yet rounded to whole steps
}

// Drawn is a part of a lot, and where it went says who holds it.
type Drawn struct {
	Ref    string `json:"ref"`
	Amount int64  `json:"amount"`
}

// compareLots is the order of use: the soonest to expire first (M16).
func compareLots(a, b Lot) int {
	return cmp.Or(a.Expires.Compare(b.Expires), a.Granted.Compare(b.Granted), cmp.Compare(a.Ref, b.Ref))
}

// Live are the lots that hold something at now, in the order of use.
func Live(lots []Lot, now time.Time) []Lot {
	var live []Lot
	for _, l := range lots {
		if l.Amount > 0 && now.Before(l.Expires) {
			live = append(live, l)
		}
	}
	slices.SortFunc(live, compareLots)
	return live
}

// Sum of what lots hold. It stops at MaxOver.
func Sum(lots []Lot) int64 {
	var sum int64
	for _, l := range lots {
		sum = min(add(sum, max(l.Amount, 0)), MaxOver)
	}
	return sum
}

// Draw takes need from the lots in the order of use. left are those that still
// hold something, in that order; short is what they did not cover.
func Draw(lots []Lot, need int64) (draws []Drawn, left []Lot, short int64) {
	short = max(need, 0)
	for _, l := range slices.SortedFunc(slices.Values(lots), compareLots) {
		if l.Amount <= 0 {
			continue
		}
		if n := min(l.Amount, short); n > 0 {
			draws = append(draws, Drawn{l.Ref, n})
			l.Amount -= n
			short -= n
		}
		if l.Amount > 0 {
			left = append(left, l)
		}
	}
	return draws, left, short
}
