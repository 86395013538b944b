package suppressions

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/words"
	"relay/store/maildomain"
	"relay/store/refusals"
)

// MostOctets of a document: some 300,000 addresses.
const MostOctets = 8 << 20

// SuppressionDocument is the request to import a list.
type SuppressionDocument struct {
	Account string `path:"account"`
	Body    struct {
		Document string `json:"document" doc:"CSV whose first line names the columns, recipient among them; or one address a line."`
		For      string `json:"for,omitempty" doc:"How long, such as 30d, where a row names no end. Default: until they are lifted."`
		DryRun   bool   `json:"dry_run,omitempty" doc:"Look at every line, and change nothing."`
	}
}

// Import is the act suppression import. A document with a fault changes nothing. A sound one
// is stored a thousand rows a transaction; what is suppressed already stays as it is, so a
// document can be imported again after a crash.
var Import = act.New(act.Spec{Name: "suppression import", Route: "POST /v1/accounts/{account}/suppressions/import", Summary: "Suppress the recipients of a list, CSV or one address a line",
	May: everyone, Scope: writes, Largest: 7 * MostOctets}, importList)

func importList(ctx context.Context, s *act.Service, in *SuppressionDocument) (*AddedSuppressions, error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	if len(in.Body.Document) > MostOctets {
		return nil, act.Fail(act.Data, "divide it, and import the parts one after the other", "the list is longer than %s", words.Size(MostOctets))
	}
	expires, err := until(in.Body.For, s.Store.Now())
	if err != nil {
		return nil, err
	}
	r := reading{now: s.Store.Now(), expires: expires, seen: map[string]bool{}}
	if r.read(in.Body.Document); len(r.faults) > 0 {
		return nil, r.problem()
	}
	out := &AddedSuppressions{Account: in.Account, Ended: r.ended, DryRun: in.Body.DryRun}
	if in.Body.DryRun {
		return out, r.preview(s, in.Account, out)
	}
	for part := range slices.Chunk(r.list, most) {
		n, err := s.Store.Refusals.AddSuppressions(s.Order(ctx, false), in.Account, part)
		if err == nil {
			err = ctx.Err()
		}
		if out.Added, out.Known = out.Added+n, out.Known+len(part)-n; err != nil {
			return nil, r.broken(out, act.NoAccount(in.Account, err))
		}
	}
	return out, nil
}

// broken says how far an import came before it failed.
func (r *reading) broken(out *AddedSuppressions, err error) error {
	if out.Added == 0 {
		return err
	}
	return act.Fail(act.ProblemOf(err).Type, "import the list again: what is suppressed already stays as it is",
		"%w; %s of the list were suppressed before, of %s", err, words.Plural(int64(out.Added), "recipient"), words.Number(int64(len(r.list))))
}

// preview counts what an import would add.
func (r *reading) preview(s *act.Service, account string, out *AddedSuppressions) error {
	for i := range r.list {
		_, known, err := s.Store.Refusals.Suppressed(account, r.list[i].Recipient)
		if err != nil {
			return err
		}
		if known {
			out.Known++
		} else {
			out.Added++
		}
	}
	return nil
}

// reading is a document being read.
type reading struct {
	now     time.Time
	expires time.Time // where a row names no end

	list   []refusals.Suppression
	seen   map[string]bool // mailboxes in list
	ended  int
	faults []string
	more   int // faults that are only counted

	headless bool // it looks like CSV without a column of addresses
}

// mostFaults are told one by one.
const mostFaults = 20

func (r *reading) fault(line int, format string, args ...any) {
	if len(r.faults) == mostFaults {
		r.more++
		return
	}
	r.faults = append(r.faults, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
}

func (r *reading) problem() error {
	text := strings.Join(r.faults, "; ")
	if r.more > 0 {
		text += fmt.Sprintf("; and %d more", r.more)
	}
	if r.headless {
		return act.Fail(act.Data, "the first line of CSV names the columns, with commas between: one must be recipient, or email", "nothing was imported, it may be CSV without a column of addresses: %s", text)
	}
	return act.Fail(act.Data, "put these lines right, and import the list again", "nothing was imported: %s", text)
}

// read tells the two kinds of documents apart by the first line: names of columns have no @.
func (r *reading) read(text string) {
	text = strings.TrimPrefix(text, "\ufeff")
	first, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	if !strings.Contains(first, "@") && columnOf(strings.Split(strings.TrimSpace(first), ",")) >= 0 {
		r.rows(text)
		return
	}
	r.headless = strings.ContainsAny(first, ",;\t")
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			r.add(n, refusals.Suppression{Recipient: line, Reason: refusals.ByHand, Expires: r.expires})
		}
	}
}

// recipientColumns are names of the column with the address, in lists of other services too.
var recipientColumns = []string{"recipient", "email", "e-mail", "address", "email address"}

func columnOf(head []string) int {
	return slices.IndexFunc(head, func(name string) bool {
		return slices.Contains(recipientColumns, strings.ToLower(strings.Trim(name, ` "`)))
	})
}

// rows reads CSV. Columns without a meaning are passed over.
func (r *reading) rows(text string) {
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord, c.TrimLeadingSpace, c.ReuseRecord = -1, true, true
	head, err := c.Read()
	if err != nil {
		r.fault(1, "%v", err)
		return
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	at["recipient"] = columnOf(head)
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			r.fault(wrong.StartLine, "%v", wrong.Err)
			return // where the next row begins is not known
		}
		cell := func(name string) string {
			if i, ok := at[name]; ok && i < len(row) {
				return words.Unguarded(strings.TrimSpace(row[i]))
			}
			return ""
		}
		line, _ := c.FieldPos(0)
		r.row(line, cell)
	}
}

// mostReply is how many characters of a reply are kept: it goes into each message that the
// suppression stops, its trace and its DSN. Next hops' replies are no longer.
const mostReply = 1000

// row takes a row of CSV.
func (r *reading) row(line int, cell func(string) string) {
	is := refusals.Suppression{Recipient: cell("recipient"), Reason: reason(cell("reason")), Reply: words.Cut(words.Clean(cell("reply")), mostReply), Expires: r.expires}
	for _, c := range []struct {
		name string
		to   *time.Time
	}{{"since", &is.Since}, {"expires", &is.Expires}} {
		text := cell(c.name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			r.fault(line, "%s %q is not a time such as 2026-11-23T09:00:00Z", c.name, text)
			return
		}
		*c.to = t.UTC()
	}
	if !is.Expires.IsZero() && !is.Expires.After(r.now) {
		r.ended++
		return
	}
	r.add(line, is)
}

// add takes an address, once.
func (r *reading) add(line int, is refusals.Suppression) {
	if !isAddress(is.Recipient) {
		r.fault(line, "%q is not an address", words.Cut(words.Clean(is.Recipient), 80))
		return
	}
	mailbox, _ := maildomain.Mailbox(is.Recipient)
	if !r.seen[mailbox] {
		r.seen[mailbox] = true
		r.list = append(r.list, is)
	}
}
