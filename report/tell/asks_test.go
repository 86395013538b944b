package tell

import (
	"strings"
	"testing"

	"relay/report/words"
	"relay/store"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/overview"
)

// textOf the first mail about what is told.
func textOf(t *testing.T, told *store.Told) string {
	t.Helper()
	p, err := rossi().Preview(told, told.Account.Language)
	if err != nil {
		t.Fatal(err)
	}
	return p.Subject + "\n" + strings.Join(strings.Fields(p.Text), " ")
}

// What a mail asks for is still to be done when it is written.
func TestWriter_asksForWhatIsOpen(t *testing.T) {
	asks := map[words.Language][3]string{
		words.English: {"to be paid", "overdue", "nothing that you need to do"},
		words.German:  {"bitte bezahlen", "überfällig", "brauchen nichts zu tun"},
		words.Italian: {"da pagare", "scaduta", "Non deve fare nulla"},
	}
	for l, is := range asks {
		paid := Sample(news.Order, noon, rome)
		paid.Invoice.State, paid.Invoice.Paid, paid.Account.Language = ledger.InvoicePaid, paid.Invoice.Total, string(l)
		subject, _, _ := strings.Cut(textOf(t, paid), "\n")
		if strings.Contains(subject, is[0]) {
			t.Errorf("%s: an order that is paid has the subject %q", l, subject)
		}
		early := Sample(news.Overdue, noon, rome)
		early.Invoice.Due, early.Account.Language = noon.AddDate(0, 0, 1), string(l)
		if text := textOf(t, early); strings.Contains(text, is[1]) {
			t.Errorf("%s: overdue before its day: %s", l, text)
		}
		month := Sample(news.Month, noon, rome)
		month.Report.Errors, month.Report.ErrorCount, month.Account.Language = nil, 0, string(l)
		if text := textOf(t, month); strings.Contains(text, is[2]) {
			t.Errorf("%s: nothing is to be done, and an invoice is to be paid: %s", l, text)
		}
	}
}

// Mail through a smarthost has no provider.
func TestProviders_smarthost(t *testing.T) {
	days := []overview.Day{{Sum: outcomes.Sum{Providers: map[string]outcomes.Provider{"route": {Delivered: 26}, "Google": {Delivered: 4}}}}}
	if got := providers(days); len(got) != 1 || got[0].Name != "Google" {
		t.Errorf("providers are %v", got)
	}
}
