package books

import (
	"fmt"
	"strconv"
	"strings"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// keyPrefix is the prefix of the invoices that were issued before names were kept.
var keyPrefix = []byte("prefix")

// keepPrefix gives them, once and for good, the prefix of the first Open with Billing, since
// it was not stored with them. Likewise it keeps the currency that the prices of plans are in.
func (s *Books) keepPrefix(b ledger.Billing, readOnly bool) error {
	known, priced := false, false
	err := s.view(func(t *room.Tx) (err error) {
		known, err = t.Read(bucket.Meta, keyPrefix, &s.before)
		priced = t.Get(bucket.Meta, keyPrices) != nil
		return err
	})
	if err != nil || known && priced {
		return err
	}
	if !known {
		s.before = b.Prefix
	}
	if readOnly || b.Currency == "" { // nobody has said who invoices
		return nil
	}
	return s.update(0, func(t *room.Tx) error {
		if !priced {
			if err := t.Write(bucket.Meta, keyPrices, b.Currency); err != nil {
				return err
			}
		}
		return t.Write(bucket.Meta, keyPrefix, s.before)
	})
}

// fillNames fills in the names of an invoice from before they were kept.
func (s *Books) fillNames(i *ledger.Invoice) {
	if i.Number != 0 && i.Name == "" {
		i.Name = s.before + ledger.NumberText(i.Number)
	}
	if i.About != 0 && i.Names == "" {
		i.Names = s.before + ledger.NumberText(i.About)
	}
}

// NoNumber is a text that no invoice has as its name or number.
type NoNumber struct {
	Text string
	Such string // the name of the one that has that number, or an example
}

func (e *NoNumber) Error() string {
	return fmt.Sprintf("%q is not the number of an invoice such as %s", e.Text, e.Such)
}

// ParseInvoice is the number in a name: digits at its end, since no prefix ends with
// one. It fails with a *NoNumber.
func ParseInvoice(name string) (uint64, error) {
	name = strings.TrimSpace(name)
	n, err := strconv.ParseUint(name[len(strings.TrimRight(name, "0123456789")):], 10, 64)
	if err != nil || n == 0 {
		return 0, &NoNumber{name, "17"}
	}
	return n, nil
}

// FindInvoice by its name as it was issued, or by the bare number. It fails with a
// *NoNumber, also for a name that another prefix gave it.
func (s *Books) FindInvoice(name string) (i ledger.Invoice, err error) {
	n, err := ParseInvoice(name)
	if err != nil {
		return i, err
	}
	if i, err = s.Invoice(n); err != nil {
		return i, err
	}
	name = strings.TrimSpace(name)
	if bare := strings.Trim(name, "0123456789") == ""; !bare && !strings.EqualFold(name, i.Name) {
		return ledger.Invoice{}, &NoNumber{name, i.Name}
	}
	return i, nil
}
