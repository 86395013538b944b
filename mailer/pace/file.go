package pace

import (
	"bytes"
	"fmt"
	"slices"

	toml "github.com/pelletier/go-toml/v2"

	"relay/mailer/rulefile"
)

// parse reads rows over those of base.
func parse(name string, text []byte, base *Rows) (*Rows, error) {
	var f struct {
		Rows []entry `toml:"row"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&f); err != nil {
		return nil, &rulefile.Error{What: "rows", File: name, Problems: rulefile.ProblemsOf(err)}
	}
	r := &reader{lines: rulefile.LinesOf(text, "row"), rows: Rows{slices.Clone(base.ordered), base.other}}
	for i := range f.Rows {
		r.take(i, &f.Rows[i])
	}
	if r.rows.other == nil {
		r.refuse(-1, problem{text: "the row " + AnyOther + " is missing"})
	}
	if len(r.bad) > 0 {
		return nil, &rulefile.Error{What: "rows", File: name, Problems: r.bad}
	}
	r.rows.ordered = append(r.own, r.rows.ordered...)
	return &r.rows, nil
}

// reader reads one file of rows.
type reader struct {
	lines *rulefile.Lines
	rows  Rows
	own   []*Row // those that do not change a row of base
	names []string
	bad   []rulefile.Problem
}

// refuse notes a problem with a row, on the line of its key or of the row.
func (r *reader) refuse(i int, p problem) {
	r.bad = append(r.bad, rulefile.Problem{Line: r.lines.Of(i, p.key), Text: p.text})
}

// take checks one row and adds it, if it is in order.
func (r *reader) take(i int, e *entry) {
	if e.Name == "" || slices.Contains(r.names, e.Name) {
		r.refuse(i, problem{"name", fmt.Sprintf("%q: each row needs a name of its own", e.Name)})
		return
	}
	r.names = append(r.names, e.Name)
	old, at := r.before(e.Name)
	row, bad := e.over(old)
	bad = append(bad, row.problems()...)
	bad = append(bad, r.missing(&row)...)
	for _, p := range bad {
		r.refuse(i, p)
	}
	switch {
	case len(bad) > 0:
	case e.Name == AnyOther:
		r.rows.other = &row
	case at >= 0:
		r.rows.ordered[at] = &row
		r.hidden(i, &row, append(slices.Clone(r.own), r.rows.ordered[:at]...))
	default:
		r.hidden(i, &row, r.own)
		r.own = append(r.own, &row)
	}
}

// before returns the row that an entry of that name changes, and its place; -1: a new row.
func (r *reader) before(name string) (Row, int) {
	if name == AnyOther && r.rows.other != nil {
		return *r.rows.other, -1
	}
	if at := slices.IndexFunc(r.rows.ordered, func(row *Row) bool { return row.Name == name }); at >= 0 {
		return *r.rows.ordered[at], at
	}
	usual := Limits{Recipients: usualRecipients}
	return Row{Prudent: usual, Normal: usual}, -1
}

// missing returns what a row lacks.
func (r *reader) missing(row *Row) (bad []problem) {
	switch {
	case row.Name == AnyOther && len(row.MX) > 0:
		bad = append(bad, problem{"mx", "the row " + AnyOther + " is for all hosts"})
	case row.Name != AnyOther && len(row.MX) == 0:
		bad = append(bad, problem{"mx", "the row can never match: it names no hosts"})
	}
	if row.Prudent.Connections == 0 || row.Normal.Connections == 0 {
		bad = append(bad, problem{"name", "the row needs prudent and normal"})
	}
	return bad
}

// hidden refuses a row if an earlier one matches all its domains.
func (r *reader) hidden(i int, row *Row, before []*Row) {
	for _, b := range before {
		if b.covers(row) {
			r.refuse(i, problem{"mx", fmt.Sprintf("the row can never match: the row %s before it takes all its hosts", b.Name)})
			return
		}
	}
}
