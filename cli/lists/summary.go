package lists

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"relay/cli/term"
	"relay/report/clean"
	"relay/report/words"
)

// summary is the result for programs.
type summary struct {
	File    string `json:"file"`
	Account string `json:"account,omitempty"`
	DryRun  bool   `json:"dry_run"`
	Entries int    `json:"entries"` // addresses that go, wherever they stand

	Encoding   string `json:"encoding"`
	Separator  string `json:"separator"` // "": a plain list
	Column     int    `json:"column"`    // from 1
	ColumnName string `json:"column_name"`

	Lines      int64            `json:"lines"`
	Addresses  int64            `json:"addresses"` // rows that have one
	Removed    int64            `json:"removed"`   // rows
	Duplicates int64            `json:"duplicates"`
	Reasons    map[string]int64 `json:"reasons"` // of the rows that were removed
	Mixed      int64            `json:"mixed"`   // rows that stay, and name an address that should go

	Output      *string `json:"output"`
	RemovedFile *string `json:"removed_file"`
}

// show tells what became of the list.
func (c *cleaning) show(r *clean.Result, entries int) error {
	c.remark(r, entries)
	if c.e.JSON {
		s := &summary{File: c.file, Account: c.account, DryRun: c.dryRun, Entries: entries, Encoding: r.Encoding, Separator: strings.Trim(string(r.Separator), "\x00"),
			Column: r.Column, ColumnName: r.Name, Lines: r.Lines, Addresses: r.Addresses, Removed: r.Removed, Duplicates: r.Duplicates, Reasons: r.Reasons, Mixed: r.Mixed}
		if !c.dryRun {
			s.Output, s.RemovedFile = &c.output, &c.removed
		}
		return term.Encode(c.e.Stdout, s)
	}
	to := c.e.Stdout
	if c.output == "-" {
		to = c.e.Stderr
	}
	return term.WriteFields(to, c.fields(r))
}

func (c *cleaning) fields(r *clean.Result) (list []term.Field) {
	column := "column " + strconv.Itoa(r.Column)
	if r.Separator == 0 {
		column = "one a line"
	}
	if r.Name != "" {
		column += ", " + words.Clean(r.Name)
	}
	list = []term.Field{
		{"lines", words.Number(r.Lines)}, {"encoding", r.Encoding}, {"addresses", words.Number(r.Addresses) + " (" + column + ")"},
		{"removed", words.Number(r.Removed) + reasons(r)}, {"stay", words.Number(r.Addresses - r.Removed)},
	}
	for _, f := range [][2]string{{"written", c.output}, {"removals", c.removed}} {
		if f[1] != "" && f[1] != "-" {
			list = append(list, term.Field{f[0], words.Clean(f[1])})
		}
	}
	if c.dryRun {
		list = append(list, term.Field{"written", "nothing, this is a dry run"})
	}
	return list
}

// reasons of the rows that went, the most frequent first.
func reasons(r *clean.Result) string {
	if len(r.Reasons) == 0 {
		return ""
	}
	names := slices.SortedFunc(maps.Keys(r.Reasons), func(a, b string) int {
		if n := r.Reasons[b] - r.Reasons[a]; n != 0 {
			return int(n)
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = reason(name) + " " + words.Number(r.Reasons[name])
	}
	return ": " + strings.Join(names, "; ")
}

// reason of a removal in words, which a list of errors may have as a category.
func reason(name string) string {
	if name == clean.Duplicate {
		return name
	}
	return words.English.Failure(name)
}

// remark notes what a person should know beside the figures.
func (c *cleaning) remark(r *clean.Result, entries int) {
	if entries == 0 {
		c.e.Note("the list of errors advises to remove no address")
	}
	if r.Encoding == clean.UTF16LE || r.Encoding == clean.UTF16BE {
		c.e.Note("the list is UTF-16; what stays is written as UTF-8")
	}
	if len(r.Others) > 0 {
		c.e.Note("other columns have addresses too, and do not count: %s", words.Cut(words.Clean(strings.Join(r.Others, ", ")), 200))
	}
	if r.Mixed == 0 {
		return
	}
	var lines []string
	for _, n := range r.Beside {
		lines = append(lines, strconv.FormatInt(n, 10))
	}
	more := ""
	if r.Mixed > int64(len(lines)) {
		more = " …"
	}
	c.e.Note("left as they are, since they name other addresses beside one to remove: %s, in line %s%s", words.Plural(r.Mixed, "row"), strings.Join(lines, ", "), more)
}
