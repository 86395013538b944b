package pace

import (
	_ "embed"
	"reflect"
	"slices"
	"sync"
)

// Rows have the limits of all providers. They do not change.
type Rows struct {
	ordered []*Row // in the order in which they are tried
	other   *Row   // the row AnyOther
}

// AnyOther is the name of the row for hosts that match no other row.
const AnyOther = "any other"

//go:embed providers.toml
var ours []byte

// Default returns our own rows.
var Default = sync.OnceValue(func() *Rows {
	rows, err := parse("providers.toml", ours, &Rows{})
	if err != nil {
		panic(err) // a test reads them
	}
	return rows
})

// Read returns the rows of an operator's own file and ours. A row with the name of one of
// ours changes that one; other rows are tried before ours. Its error is a *rulefile.Error with all
// problems of the file, such as a row that can never match.
func Read(name string, text []byte) (*Rows, error) { return parse(name, text, Default()) }

// Match returns the row for a domain with these MX hosts, in lower case.
func (r *Rows) Match(hosts []string) *Row {
	for _, row := range r.ordered {
		if row.matches(hosts) {
			return row
		}
	}
	return r.other
}

// Same reports whether the rows are those of other.
func (r *Rows) Same(other *Rows) bool { return other != nil && reflect.DeepEqual(r, other) }

// All returns all rows, in the order in which they are tried.
func (r *Rows) All() []*Row { return append(slices.Clone(r.ordered), r.other) }
