package words

import (
	"regexp"
	"strconv"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
)

// printed are the lines of invoices as Item words them in English, which is how they are
// stored, and how an item is made of their parts again.
var printed = []struct {
	line *regexp.Regexp
	item func(part []string) ledger.Item
}{
	{regexp.MustCompile(`^plan (.+), a (year|month)(?: from (\d{4}-\d{2}-\d{2}))?$`), func(p []string) ledger.Item {
		return ledger.Item{Kind: ledger.ItemTerm, Plan: p[1], Term: quota.Term(p[2]), Starts: p[3]}
	}},
	{regexp.MustCompile(`^upgrade from (.+) to (.+), (\d{1,4}) of (\d{1,4}) days$`), func(p []string) ledger.Item {
		return ledger.Item{Kind: ledger.ItemUpgrade, From: p[1], Plan: p[2], Left: count(p[3]), Days: count(p[4])}
	}},
	{regexp.MustCompile(`^top-up by plan (.+)$`), func(p []string) ledger.Item { return ledger.Item{Kind: ledger.ItemTopUp, Plan: p[1]} }},
	{regexp.MustCompile(`^prepaid bandwidth, (\S+ [KMG]B)$`), func(p []string) ledger.Item { return ledger.Item{Kind: ledger.ItemAhead, Bytes: octets(p[1])} }},
	{regexp.MustCompile(`^(\S+ [KMG]B) for (\S+ [KMG]B) beyond the allowance of (\S+)$`), func(p []string) ledger.Item {
		return ledger.Item{Kind: ledger.ItemOverage, Bytes: octets(p[1]), Over: octets(p[2]), Period: p[3]}
	}},
	{regexp.MustCompile(`^(\S+ [KMG]B) for the same$`), func(p []string) ledger.Item { return ledger.Item{Kind: ledger.ItemOverage, Bytes: octets(p[1])} }},
	{regexp.MustCompile(`^(\S+ [KMG]B) of it not used: credit until (\d{4}-\d{2}-\d{2})$`), func(p []string) ledger.Item {
		return ledger.Item{Kind: ledger.ItemCredit, Bytes: octets(p[1]), Until: p[2]}
	}},
}

// count and octets read what a pattern has let through.
func count(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

func octets(text string) int64 {
	n, _ := ParseOctets(text)
	return n
}

// Printed says in a mail what a line of an invoice says, which is stored in English. A line in
// other words, such as one of the operator's, stays as it is.
func (l Language) Printed(line string) string {
	for _, p := range printed {
		if part := p.line.FindStringSubmatch(line); part != nil {
			item := p.item(part)
			return l.spoken(&item)
		}
	}
	return line
}

// Hold says why relay itself holds an account back; "" if it does not.
func (l Language) Hold(why string) string {
	if why == books.HoldUnpaid {
		return l.pick(why, "nicht bezahlt", "non pagato")
	}
	return why
}
