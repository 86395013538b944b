// Package chart draws the picture of a report: e-mails and octets of each day, as bars in
// two panels, as a PNG that mail programs show.
//
// The picture is twice as large as it is shown, for phones, and its letters are large enough
// to be read at a phone's width. It is a light card with its own background, so that it
// reads the same where the mail around it is dark. The font is the library's: nothing of the
// system is used. It is pure: the same days give the same bytes. Alt says in a sentence what the picture
// shows, for readers who do not see it.
package chart

import (
	"time"

	"relay/report/words"
)

// Width and Height are how large the picture is shown, in CSS pixels.
const (
	Width  = 600
	Height = 300
)

// scale is how many pixels of the picture make one that is shown.
const scale = 2

// Days is what a chart shows: a bar for each day from First to Last, both dates in their own
// zone. Days without mail may be missing from List.
type Days struct {
	Language    words.Language
	Period      string // key, for Alt
	First, Last time.Time
	Until       time.Time // the last day that has passed, for the trend; zero: Last
	List        []Day     // in any order; those outside are left out
}

// Day is what a day's mail came to.
type Day struct {
	Day           string // 2026-11-03
	Emails, Bytes int64
}

// mostDays that are drawn: more have no room for a bar each.
const mostDays = 366

// all are the days from First to Last, each with what was sent.
func (d *Days) all() []Day {
	sent := map[string]Day{}
	for _, day := range d.List {
		sum := sent[day.Day]
		sent[day.Day] = Day{day.Day, sum.Emails + day.Emails, sum.Bytes + day.Bytes}
	}
	var list []Day
	for at := date(d.First); !at.After(date(d.Last)) && len(list) < mostDays; at = at.AddDate(0, 0, 1) {
		key := at.Format(time.DateOnly)
		list = append(list, Day{key, sent[key].Emails, sent[key].Bytes})
	}
	return list
}

// date is the day of t, without its zone.
func date(t time.Time) time.Time {
	y, m, day := t.Date()
	return time.Date(y, m, day, 0, 0, 0, 0, time.UTC)
}
