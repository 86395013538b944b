package invoice

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"relay/quota"
	"relay/report/money"
	"relay/report/words"
)

// Document is an invoice or a credit note as it is shown.
type Document struct {
	Number     string // as it was issued
	CreditNote bool
	About      string    // of a credit note: number of the invoice that it takes back
	Reason     string    // of a credit note; "": none was given
	State      State     // what became of it
	Account    string    // that it is for
	Reference  string    // the customer's own text; "": none
	Issued     time.Time // in the operator's zone
	Due        time.Time // likewise; zero: none
	Period     string    // key of the period it is for; "": none

	Seller, Buyer []string // lines of an address; the first one is the name
	Lines         []Line
	Taxes         []Tax // by rate; nil: it was worked out line by line

	Currency              string // ISO 4217
	Net, Tax, Total, Paid int64  // minor units

	Link         string // where it is paid; "": nowhere
	Instructions string // how it is paid; lines; "": none
}

// Line of a document. Amounts are minor units.
type Line struct {
	Text  string
	Count int64
	Price int64 // of one
	Net   int64 // of all
	Rate  quota.Rate
	Tax   int64 // on Net; of a document without Taxes
}

// Tax on all lines of one rate. Amounts are minor units.
type Tax struct {
	Rate     quota.Rate
	Net, Tax int64
}

// State is what became of a document.
type State string

// States.
const (
	Open      State = "open"
	Paid      State = "paid"
	Cancelled State = "cancelled"
	Refunded  State = "refunded"
)

// Title of the document, "Invoice R-17".
func (d *Document) Title() string { return d.noun() + " " + Clean(d.Number) }

func (d *Document) noun() string {
	if d.CreditNote {
		return "Credit note"
	}
	return "Invoice"
}

// Mark says what became of a document that is settled; "" of an open one.
func (d *Document) Mark() string {
	if d.State == Open || d.CreditNote && d.State == Paid {
		return ""
	}
	return strings.ToUpper(string(d.State))
}

// Left is what is still to be paid, in minor units.
func (d *Document) Left() int64 {
	if d.State != Open || d.CreditNote {
		return 0
	}
	return max(d.Total-d.Paid, 0)
}

// fact is a line of the document's head.
type fact struct{ Name, Value string }

func (d *Document) facts() []fact {
	list := []fact{{"Issued", day(d.Issued)}}
	if d.CreditNote {
		list = append(list, fact{"For invoice", Clean(d.About)}, fact{"Reason", Clean(d.Reason)})
	} else {
		list = append(list, fact{"Due", day(d.Due)})
	}
	list = append(list, fact{"Account", Clean(d.Account)}, fact{"Reference", Clean(d.Reference)}, fact{"Period", period(d.Period)})
	return slices.DeleteFunc(list, func(f fact) bool { return f.Value == "" })
}

const dateLayout = "2 January 2006"

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(dateLayout)
}

// period for people: a month's key, "2026-11", or the first day of 30, with a
// number behind it where an account had two of them.
func period(key string) string {
	if t, err := time.Parse("2006-01", first(key, 7)); err == nil && len(key) < 10 {
		return t.Format("January 2006")
	}
	if t, err := time.Parse(time.DateOnly, first(key, 10)); err == nil {
		return "30 days from " + t.Format(dateLayout)
	}
	return Clean(key)
}

func first(s string, n int) string { return s[:min(n, len(s))] }

// sum is a line of the document's foot.
type sum struct {
	Name, Amount string
	Strong       bool
}

func (d *Document) sums() []sum {
	list := []sum{d.sum("Net", d.Net)}
	for _, t := range d.taxes() {
		list = append(list, d.sum("Tax "+t.Rate.String()+" on "+money.Number(t.Net, d.Currency), t.Tax))
	}
	total := d.sum("Total", d.Total)
	total.Strong = true
	list = append(list, total)
	switch {
	case d.CreditNote:
		return list
	case d.State == Cancelled && d.Paid == 0:
		return list
	}
	list = append(list, d.sum("Paid", d.Paid), d.sum(d.dueName(), d.Left()))
	list[len(list)-1].Strong = true
	return list
}

func (d *Document) dueName() string {
	if d.Left() == 0 || d.Due.IsZero() {
		return "Due"
	}
	return "Due by " + day(d.Due)
}

func (d *Document) sum(name string, amount int64) sum {
	return sum{Name: name, Amount: money.Format(amount, d.Currency)}
}

// taxes by rate, the highest first.
func (d *Document) taxes() []Tax {
	list := slices.Clone(d.Taxes)
	if len(list) == 0 {
		list = d.taxesByLine()
	}
	slices.SortFunc(list, func(a, b Tax) int { return cmp.Compare(b.Rate, a.Rate) })
	return list
}

func (d *Document) taxesByLine() (list []Tax) {
	for _, l := range d.Lines {
		i := slices.IndexFunc(list, func(t Tax) bool { return t.Rate == l.Rate })
		if i < 0 {
			i = len(list)
			list = append(list, Tax{Rate: l.Rate})
		}
		list[i].Net += l.Net
		list[i].Tax += l.Tax
	}
	return list
}

// Clean makes one line of text that comes from anybody: accents composed, white
// space single, without control characters and marks that turn its direction.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")))
	return strings.Join(strings.Fields(s), " ")
}

// cleanLines are the lines that hold something.
func cleanLines(lines []string) []string {
	var out []string
	for _, l := range lines {
		if l = Clean(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// sentence is a clean text that begins with a capital.
func sentence(s string) string {
	s = Clean(s)
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// party is an address under its heading.
type party struct {
	Heading string
	Lines   []string
}

// parties that the document names, the seller first.
func (d *Document) parties() []party {
	list := []party{{"From", cleanLines(d.Seller)}, {"To", cleanLines(d.Buyer)}}
	return slices.DeleteFunc(list, func(p party) bool { return len(p.Lines) == 0 })
}

// row of the table of lines.
type row struct {
	Text  string
	Cells []string // as columns names them
}

// columns of the table after the first, which has the text.
var columns = []string{"Count", "Price", "Tax", "Amount"}

func (d *Document) rows() []row {
	var list []row
	for _, l := range d.Lines {
		list = append(list, row{Text: sentence(l.Text), Cells: []string{
			words.Number(l.Count), money.Number(l.Price, d.Currency), l.Rate.String(), money.Number(l.Net, d.Currency),
		}})
	}
	return list
}
