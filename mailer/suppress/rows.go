// Package suppress says after which refusals mail of an account to a recipient is not tried
// any more, and for how long: rows by category of replies, as data. The operator's file
// changes them. Counting and storing are the store's.
package suppress

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	toml "github.com/pelletier/go-toml/v2"

	"relay/mailer/rulefile"
	"relay/mailer/verdict"
	"relay/report/words"
)

// Row is what refusals of one category lead to.
type Row struct {
	Category verdict.Category
	Status   string        // enhanced code that the sender is told
	Messages int           // that must have met it; 1: at once, when the recipient is given up; 0: never
	Over     time.Duration // that must lie between the first and the last of them
	Keep     time.Duration // how long the suppression lasts; 0: until it is lifted
}

// Rows are those of all categories that suppress. They do not change.
type Rows struct{ of map[verdict.Category]*Row }

// Of is the row of a category; nil: it suppresses nobody.
func (r *Rows) Of(c verdict.Category) *Row {
	row := r.of[c]
	if row == nil || row.Messages == 0 {
		return nil
	}
	return row
}

// Same reports whether the rows are those of other.
func (r *Rows) Same(other *Rows) bool { return other != nil && reflect.DeepEqual(r, other) }

//go:embed suppress.toml
var ours []byte

// Default returns our own rows.
var Default = sync.OnceValue(func() *Rows {
	rows, err := parse("suppress.toml", ours, &Rows{})
	if err != nil {
		panic(err) // a test reads them
	}
	return rows
})

// Read returns our rows with those of an operator's file over them. Its error is a
// *rulefile.Error with all problems of the file.
func Read(name string, text []byte) (*Rows, error) { return parse(name, text, Default()) }

// May lists the categories that can have a row: those that say something of the recipient.
// The others are the fault of somebody else.
var May = []verdict.Category{verdict.InvalidRecipient, verdict.InactiveMailbox, verdict.BadDomain, verdict.QuotaIssues, verdict.Complaint}

// entry is a row as it stands in a file. What is left out stays as it is in the row below.
type entry struct {
	Category verdict.Category `toml:"category"`
	Status   string           `toml:"status"`
	Messages *int             `toml:"messages"`
	Over     *string          `toml:"over"`
	Keep     *string          `toml:"keep"`
}

func parse(name string, text []byte, base *Rows) (*Rows, error) {
	var f struct {
		Rows []entry `toml:"suppress"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&f); err != nil {
		return nil, &rulefile.Error{What: "rows", File: name, Problems: rulefile.ProblemsOf(err)}
	}
	r := &reader{lines: rulefile.LinesOf(text, "suppress"), rows: Rows{maps.Clone(base.of)}, seen: map[verdict.Category]bool{}}
	if r.rows.of == nil {
		r.rows.of = map[verdict.Category]*Row{}
	}
	for i := range f.Rows {
		r.take(i, &f.Rows[i])
	}
	if len(r.bad) > 0 {
		return nil, &rulefile.Error{What: "rows", File: name, Problems: r.bad}
	}
	return &r.rows, nil
}

// reader reads one file of rows.
type reader struct {
	lines *rulefile.Lines
	rows  Rows
	seen  map[verdict.Category]bool
	bad   []rulefile.Problem
}

func (r *reader) refuse(i int, format string, args ...any) {
	r.bad = append(r.bad, rulefile.Problem{Line: r.lines.Of(i, ""), Text: fmt.Sprintf(format, args...)})
}

var statusRE = regexp.MustCompile(`^5\.\d{1,3}\.\d{1,3}$`)

// take checks one row, and puts it over the one of its category.
func (r *reader) take(i int, e *entry) {
	switch {
	case !slices.Contains(May, e.Category):
		r.refuse(i, "category %q never suppresses a recipient; one of: %s", e.Category, list())
		return
	case r.seen[e.Category]:
		r.refuse(i, "category %s has a row already", e.Category)
		return
	}
	r.seen[e.Category] = true
	row := Row{Category: e.Category, Status: "5.7.1", Messages: 1}
	if below := r.rows.of[e.Category]; below != nil {
		row = *below
	}
	if e.Messages != nil {
		row.Messages = *e.Messages
	}
	if e.Status != "" {
		row.Status = e.Status
	}
	r.span(i, "over", e.Over, &row.Over)
	r.span(i, "keep", e.Keep, &row.Keep)
	switch {
	case row.Messages < 0 || row.Messages > 100:
		r.refuse(i, "messages = %d: from 0, which is never, to 100", row.Messages)
	case row.Messages == 1 && row.Over > 0:
		r.refuse(i, "over says nothing of a single message: messages = 2 or more")
	case !statusRE.MatchString(row.Status):
		r.refuse(i, "status %q is not an enhanced code such as 5.1.1", row.Status)
	}
	r.rows.of[e.Category] = &row
}

// span reads a length of time; "0" is none.
func (r *reader) span(i int, key string, text *string, to *time.Duration) {
	if text == nil {
		return
	}
	d, err := words.ParseDuration(*text)
	if err != nil {
		r.refuse(i, "%s: %v", key, err)
		return
	}
	*to = d
}

func list() string {
	names := make([]string, len(May))
	for i, c := range May {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
