package term

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTable_fitsTheScreen(t *testing.T) {
	tab := NewTable(Column{Head: "NAME", Least: 10}, Column{Head: "N", Right: true}, Column{Head: "CONTACT", Least: 10})
	tab.Add("short", "1", "a@b.example")
	tab.Add(strings.Repeat("n", 90), "1,000,000", strings.Repeat("ü", 200)+"\x1b[31m\n")
	var b strings.Builder
	if err := tab.Print(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > Columns {
			t.Errorf("%d characters: %s", n, l)
		}
	}
	if !strings.Contains(lines[2], "…") || !strings.Contains(lines[2], "1,000,000") || strings.ContainsRune(b.String(), 0x1b) {
		t.Errorf("want shortened text, whole numbers and nothing for the terminal:\n%s", b.String())
	}
}

func TestTable_isNarrowWhereItCanBe(t *testing.T) {
	tab := NewTable(Column{Head: "A", Least: 5}, Column{Head: "B", Right: true})
	tab.Add("x", "10")
	var b strings.Builder
	if err := tab.Print(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "A   B\nx  10\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A column that wraps gives way first, then one that is shortened before others: what matters
// stays whole.
func TestTable_order(t *testing.T) {
	cells := []string{"customer-with-a-name", "boss@long.customer.example", "contact, abuse, payer", "a login from a new network"}
	for screen, want := range map[int]string{
		100: "customer-with-a-name  boss@long.customer.example  contact, abuse, payer  a login from a new network\n",
		90:  "customer-with-a-name  boss@long.customer.example  contact,      a login from a new network\n" + strings.Repeat(" ", 50) + "abuse, payer\n",
		75:  "customer-with-a-name  boss@long.cust…  contact,  a login from a new network\n" + strings.Repeat(" ", 39) + "abuse,\n" + strings.Repeat(" ", 39) + "payer\n",
		65:  "customer-with-a-…  boss@lo…  contact,  a login from a new network\n" + strings.Repeat(" ", 29) + "abuse,\n" + strings.Repeat(" ", 29) + "payer\n",
	} {
		tab := NewTable(Column{Head: "A", Least: 10}, Column{Head: "B", Least: 8, First: true}, Column{Head: "C", Wrap: true}, Column{Head: "D"})
		tab.Add(cells...)
		widths := tab.widths(screen)
		var b strings.Builder
		for _, part := range tab.wrapped(widths, tab.Rows[0]) {
			b.WriteString(tab.line(widths, part) + "\n")
		}
		if b.String() != want {
			t.Errorf("in %d columns:\n%swant\n%s", screen, b.String(), want)
		}
	}
}
