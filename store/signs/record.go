package signs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Sign is something that speaks against an account.
type Sign string

// The signs.
const (
	Complaint Sign = "complaint" // a recipient called it spam
	Bounce    Sign = "bounce"    // a recipient that does not exist, or has no mailbox any more
	Listed    Sign = "listed"    // a reply says that a blocklist names the account's domain or links
)

// All signs, the worst first.
var All = []Sign{Complaint, Bounce, Listed}

// Days of the longer window.
const Days = 7

// mostPlaces is how many providers are named of a sign and a day.
const mostPlaces = 5

// OtherPlaces is the name of the providers beyond them.
const OtherPlaces = "other"

// Day counts the signs about the mail that was accepted on one day.
type Day struct {
	Number int              `json:"day"`
	Counts map[Sign]int64   `json:"counts"`
	Places map[string]int64 `json:"places,omitempty"` // by sign, a blank and the provider
	Late   int64            `json:"late,omitempty"`   // of the bounces, those of mail that was delivered
}

// Record holds the signs against an account of the last seven days. The zero Record has none.
type Record struct {
	List []Day        `json:"days,omitempty"` // in order
	Told map[Sign]int `json:"told,omitempty"` // the last day on which it was warned

	Suspended bool `json:"suspended,omitempty"` // for these signs, until it is resumed

	// Of an account that was resumed: only what went out since then counts.
	Resumed time.Time     `json:"resumed,omitzero"`
	From    int           `json:"from,omitempty"`      // number of that day; mail that was accepted before and goes out later counts on it
	Before  map[int]int64 `json:"delivered,omitempty"` // e-mails that were delivered by then, by the day on which they were accepted
}

// Turn drops the days that are over.
func (r *Record) Turn(today int) {
	r.List = slices.DeleteFunc(r.List, func(d Day) bool { return d.Number <= today-Days || d.Number > today })
	if r.From <= today-Days || r.From > today {
		r.Resumed, r.From, r.Before = time.Time{}, 0, nil
	}
}

// Add counts n signs about mail that was accepted on a day. It reports false if that is not of
// the last seven days. Call Turn first.
func (r *Record) Add(s Sign, n int64, day, today int, place string) (on int, ok bool) {
	if day = max(day, r.From); day <= today-Days || day > today {
		return 0, false
	}
	d := r.day(day)
	d.Counts[s] += n
	if place != "" {
		d.note(s, place, n)
	}
	return day, true
}

// AddLate notes that n of a day's bounces are of mail that counts as delivered. day is what Add
// returned.
func (r *Record) AddLate(n int64, day int) { r.day(day).Late += n }

// late bounces on the days of a window.
func (r *Record) late(from, until int) (n int64) {
	for i := range r.List {
		if d := &r.List[i]; d.Number >= from && d.Number <= until {
			n += d.Late
		}
	}
	return n
}

func (r *Record) day(number int) *Day {
	i, found := slices.BinarySearchFunc(r.List, number, func(d Day, n int) int { return cmp.Compare(d.Number, n) })
	if !found {
		r.List = slices.Insert(r.List, i, Day{Number: number, Counts: map[Sign]int64{}})
	}
	return &r.List[i]
}

func (d *Day) note(s Sign, place string, n int64) {
	key := string(s) + " " + place
	if d.Places[key] == 0 && d.named(s) >= mostPlaces {
		key = string(s) + " " + OtherPlaces
	}
	if d.Places == nil {
		d.Places = map[string]int64{}
	}
	d.Places[key] += n
}

// named is how many providers a sign is counted at.
func (d *Day) named(s Sign) (n int) {
	for key := range d.Places {
		if strings.HasPrefix(key, string(s)+" ") {
			n++
		}
	}
	return n
}

// Place is how many signs came from a provider.
type Place struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

// places of a sign on the days of a window, most signs first.
func (r *Record) places(s Sign, from, until int) (list []Place) {
	for i := range r.List {
		d := &r.List[i]
		if d.Number < from || d.Number > until {
			continue
		}
		for key, n := range d.Places {
			name, ours := strings.CutPrefix(key, string(s)+" ")
			if !ours {
				continue
			}
			at := slices.IndexFunc(list, func(p Place) bool { return p.Name == name })
			if at < 0 {
				at, list = len(list), append(list, Place{Name: name})
			}
			list[at].N += n
		}
	}
	slices.SortFunc(list, func(a, b Place) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	return list[:min(len(list), mostPlaces)]
}

// sum of a sign on the days of a window.
func (r *Record) sum(s Sign, from, until int) (n int64) {
	for i := range r.List {
		if d := &r.List[i]; d.Number >= from && d.Number <= until {
			n += d.Counts[s]
		}
	}
	return n
}

// Resume forgets the signs, and counts only what goes out from now on. m is what became of the
// mail of the last seven days.
func (r *Record) Resume(now time.Time, today int, m *Mail) {
	*r = Record{Resumed: now, From: today, Before: maps.Clone(m.Delivered)}
}

// Total of a sign.
func (r *Record) Total(s Sign) int64 { return r.sum(s, 0, 1<<31-1) }
