package clean

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unique"

	"relay/report/words"
	"relay/store/maildomain"
	"relay/store/refusals"
)

// Entry is why an address goes.
type Entry struct {
	Reason string // category of the replies, such as InvalidRecipient
	Date   string // of the last of them, as the list of errors writes it; "": not known
}

// Entries are the addresses that go, as maildomain.Mailbox writes them.
type Entries map[string]Entry

// Add adds an address; what is no address changes nothing.
func (e Entries) Add(address string, is Entry) {
	if mailbox, ok := maildomain.Mailbox(address); ok {
		e[mailbox] = is
	}
}

// columns of a list of errors that count here.
var columns = []string{"recipient", "category", "advice", "last"}

// ReadEntries reads a list of errors, as relay errors writes it, and as it comes with the
// report of a month.
func ReadEntries(in io.Reader) (Entries, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	head, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	at := map[string]int{}
	for _, name := range columns {
		at[name] = slices.IndexFunc(head, func(cell string) bool {
			return strings.EqualFold(name, strings.TrimSpace(strings.TrimPrefix(cell, utf8BOM)))
		})
		if at[name] < 0 {
			return nil, fmt.Errorf("%w: its first line names no column %s", ErrNoEntries, name)
		}
	}
	list := Entries{}
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrNoEntries, err)
		}
		if err := list.row(row, at); err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("%w: line %d: %w", ErrNoEntries, line, err)
		}
	}
}

// row takes a row of a list of errors.
func (e Entries) row(row []string, at map[string]int) error {
	if len(row) <= slices.Max([]int{at["recipient"], at["category"], at["advice"], at["last"]}) {
		return errors.New("it has too few columns")
	}
	if row[at["advice"]] != refusals.AdviceRemove {
		return nil
	}
	e.Add(words.Unguarded(row[at["recipient"]]), Entry{unique.Make(row[at["category"]]).Value(), strings.Clone(row[at["last"]])})
	return nil
}
