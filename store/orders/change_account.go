package orders

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
)

// Change is what has to be in the ledger of what the operator changes of an account.
type Change struct {
	Plan  *quota.Plan // other terms, see Deal.setPlan; nil: they stay
	Abuse *string     // why it is marked for abuse, which forbids a refund (M20); "": it is not; nil: as it was
}

// ChangeAccount changes an account in one transaction: all or nothing. fn sets
// what is no part of the Book, and returns what else is to be done; it may run
// more than once, and must not call the store. It cannot change what orders do: the
// Book, and the state but for suspending and resuming.
func (s *Orders) ChangeAccount(o behalf.Order, name string, fn func(*books.Account) (Change, error)) (Receipt, error) {
	return s.order(name, o, func(d *Deal) error {
		was, book := d.a, d.a.Book
		book.Contracts, book.Lots = slices.Clone(book.Contracts), slices.Clone(book.Lots)
		c, err := fn(&d.a)
		switch {
		case err != nil:
			return err
		case d.a.Name != name:
			return errors.New("an account keeps its name")
		case !reflect.DeepEqual(d.a.Book, book):
			return fmt.Errorf("account %q: terms, credit and balance change by orders only", name)
		}
		return d.change(&o, &was, &c)
	})
}

// change enters what is different now. The plan comes first: it says what may
// happen at the limit (M14).
func (d *Deal) change(o *behalf.Order, was *books.Account, c *Change) error {
	if d.a.State != was.State {
		if err := d.switched(was.State); err != nil {
			return err
		}
	}
	if c.Plan != nil {
		if err := d.setPlan(*c.Plan); err != nil {
			return err
		}
	}
	if is := d.a.AtLimit; is != was.AtLimit {
		if p := d.a.Plan(d.t.Now); !p.Allows(is) {
			return notAllowed(p, is)
		}
		d.enter(ledger.Entry{Kind: ledger.KindLimit, Facts: ledger.Facts{Limit: is}})
	}
	if is := d.a.OverMax; is != was.OverMax {
		if is < quota.Uncapped || is > quota.MaxOver {
			return fmt.Errorf("account %q: a ceiling of overage above zero", d.a.Name)
		}
		d.enter(ledger.Entry{Kind: ledger.KindOverMax, Facts: ledger.Facts{Most: &is}})
	}
	if is := d.a.AtLimit; is != was.AtLimit || c.Plan != nil {
		if err := mayGoOn(o, d.a.Name, is, d.a.Plan(d.t.Now)); err != nil {
			return err
		}
	}
	if d.a.Reseller != was.Reseller && d.a.Reseller != "" {
		if had, err := d.s.books.InheritsLedger(d.t, &d.a); err != nil || had {
			return cmp.Or(err, fmt.Errorf("account %q: %w", d.a.Name, ErrUsed))
		}
	}
	d.agree(was.Consent)
	if c.Abuse != nil {
		d.a.Abuse = strings.TrimSpace(*c.Abuse) != ""
		d.enter(ledger.Entry{Kind: ledger.KindAbuse, Note: *c.Abuse})
	}
	return d.s.known(d.t, &d.a)
}

// agree enters that the customer agreed to other terms than before.
func (d *Deal) agree(was ledger.Consent) {
	is := &d.a.Consent
	if is.Version == was.Version && is.Time.Equal(was.Time) {
		return
	}
	is.Time = d.t.Now
	d.enter(ledger.Entry{Kind: ledger.KindConsent, Note: is.Version})
}
