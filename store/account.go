package store

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// Profiles are how fast an account's mail may go, the slowest first.
var Profiles = []string{"prudent", "normal", "full"}

// AuthRefuse is the Auth of an account whose mail is refused at intake when nothing proves to
// receivers who it is from. Otherwise it is taken, and remarked.
const AuthRefuse = "refuse"

// HoldUnpaid is why the system holds an account back that owes for longer than
// the days of grace. It is lifted by the payment.
const HoldUnpaid = "unpaid"

// Account is one account of a customer. Bucket "accounts", key Name, JSON.
type Account struct {
	Name     string              `json:"account"` // quota.ValidName
	Contact  string              `json:"contact,omitempty"`
	AtLimit  quota.AtLimit       `json:"at_limit"`            // what was chosen; "": nothing, see Limit
	OverMax  int64               `json:"over_max,omitempty"`  // octets of overage in a period; 0: as the plan says, quota.Uncapped: no ceiling
	State    ledger.AccountState `json:"state"`               // as the operator and the orders have it; Status knows of Hold too
	Reason   string              `json:"reason,omitempty"`    // why the operator suspended it, told to the customer
	Cause    ledger.Cause        `json:"cause,omitempty"`     // of the suspension: CauseAbuse, or "" where somebody suspended it
	Profile  string              `json:"profile,omitempty"`   // one of Profiles; "": as the configuration says
	FirstCap int                 `json:"first_cap,omitempty"` // first sendings a day; 0: as the configuration says, strangers.NoCap: any number
	Pool     string              `json:"pool,omitempty"`      // of sources that its mail leaves by; "": the default one
	Senders  []string            `json:"senders,omitempty"`   // addresses or @domains it may send from; empty: any (M4)
	Created  time.Time           `json:"created"`
	Owner    string              `json:"owner,omitempty"`    // customer whose account it is (M22)
	Reseller string              `json:"reseller,omitempty"` // who manages it (M23)

	Method    string         `json:"method,omitempty"`    // one of Methods by which it pays; "": not chosen (M21)
	Reference string         `json:"reference,omitempty"` // the customer's own text, on invoices and letters (M22)
	Consent   ledger.Consent `json:"consent,omitzero"`

	Language       string       `json:"language,omitempty"`        // of mail to it, one of those of report/words; "": as the configuration says
	BillingContact string       `json:"billing_contact,omitempty"` // where orders and invoices go; "": Contact
	AbuseContact   string       `json:"abuse_contact,omitempty"`   // is told too where the account is suspended for abuse; "": nobody else
	Notify         []news.Topic `json:"notify,omitzero"`           // topics by choice that it is told about; nil: it chose nothing, see Wants

	Auth string `json:"auth,omitempty"` // what follows when receivers would not believe who its mail is from: AuthRefuse, or "" (warn)

	ServiceSignature bool `json:"service_signature,omitempty"` // mail bears a second signature, of the operator's domain
	VERP             bool `json:"verp,omitempty"`              // the reverse-path of its mail is a token at relay's own domain, see Message.VERP
	Book
}

// Book is the part of an account that only orders change: every change of it is
// an entry of the ledger too.
type Book struct {
	Ordered   *quota.Plan     `json:"ordered,omitempty"`   // what a pending account waits for
	Contracts quota.Contracts `json:"contracts,omitempty"` // the terms it bought
	Lots      []quota.Lot     `json:"lots,omitempty"`      // credit
	Balance   int64           `json:"balance,omitempty"`   // minor units, positive: in the customer's favour
	Seq       uint64          `json:"seq,omitempty"`       // of the last ledger entry
	Open      string          `json:"open,omitempty"`      // key of the first period that is not closed; "": none
	Closes    time.Time       `json:"closes,omitzero"`     // end of that period, under which bucket "closing" has it
	Hold      string          `json:"hold,omitempty"`      // HoldUnpaid or ""
	Abuse     bool            `json:"abuse,omitempty"`     // no refund (M20)
	Warned    WarnStep        `json:"warned,omitzero"`     // that the last term ends (M19)
}

// Limit is what happens at the limit of plan p: the account's choice, or else what
// the plan leaves to those that choose nothing (M14).
func (a *Account) Limit(p quota.Plan) quota.AtLimit {
	if a.AtLimit != "" {
		return a.AtLimit
	}
	return p.Default()
}

// Status is State with what the system adds: an active account that is held back is suspended.
func (a *Account) Status() ledger.AccountState {
	if a.State == ledger.Active && a.Hold != "" {
		return ledger.Suspended
	}
	return a.State
}

// Notified are the topics by choice that the account is told about.
func (a *Account) Notified() []news.Topic {
	return slices.DeleteFunc(news.ChosenTopics(), func(t news.Topic) bool { return !a.Wants(t) })
}

// Wants reports whether the account is told about a topic: by its choice, or because it
// must be.
func (a *Account) Wants(topic news.Topic) bool { return news.Wants(a.Notify, topic) }

// Contract is the one that runs at now; where none does, the one that At of
// quota.Contracts finds. It is nil for an account that never was active.
func (a *Account) Contract(now time.Time) *quota.Contract {
	if i := a.Contracts.Index(now); i >= 0 {
		return &a.Contracts[i]
	}
	return nil
}

// Plan is that of the Contract, or the one that a pending account waits for.
func (a *Account) Plan(now time.Time) quota.Plan {
	if c := a.Contract(now); c != nil {
		return c.Plan
	}
	if a.Ordered != nil {
		return *a.Ordered
	}
	return quota.Plan{}
}

// Activated is the start of the first term; zero: not yet.
func (a *Account) Activated() time.Time {
	if len(a.Contracts) == 0 {
		return time.Time{}
	}
	return a.Contracts[0].Start
}

// TermEnd is the end of the last term that was bought; zero: none.
func (a *Account) TermEnd() time.Time {
	if len(a.Contracts) == 0 {
		return time.Time{}
	}
	return a.Contracts[len(a.Contracts)-1].End
}

// begun is when the last of what the account has began: its open period, its
// credit; where all is closed it is the end of its terms. Only a clock that went
// back is before it.
func (a *Account) begun(zone *time.Location) (t time.Time) {
	if _, p, ok := a.Contracts.Find(a.Open, zone); ok {
		t = p.Start
	} else if a.Open == "" {
		t = a.TermEnd()
	}
	for _, l := range a.Lots {
		if l.Granted.After(t) {
			t = l.Granted
		}
	}
	return t
}

// Expired is what Standing.Expired says of the account at a time of the books. It
// is for one that an order would leave, which is not stored.
func (a *Account) Expired(now time.Time, zone *time.Location) bool {
	if a.State != ledger.Active || a.Open == "" {
		return a.State == ledger.Active
	}
	if _, p, ok := a.Contracts.Find(a.Open, zone); ok && now.Before(p.End) {
		return false
	}
	_, _, runs := a.Contracts.At(now, zone)
	return !runs
}

// Account by name.
func (s *Store) Account(name string) (a Account, err error) {
	err = s.view(func(t *tx) error { a, err = room.Load[Account](&t.Tx, bucket.Accounts, name); return err })
	return a, err
}

// Change is what has to be in the ledger of what the operator changes of an account.
type Change struct {
	Plan  *quota.Plan // other terms, see deal.setPlan; nil: they stay
	Abuse *string     // why it is marked for abuse, which forbids a refund (M20); "": it is not; nil: as it was
}

// ChangeAccount changes an account in one transaction: all or nothing. fn sets
// what is no part of the Book, and returns what else is to be done; it may run
// more than once, and must not call the store. It cannot change what orders do: the
// Book, and the state but for suspending and resuming.
func (s *Store) ChangeAccount(o behalf.Order, name string, fn func(*Account) (Change, error)) (Receipt, error) {
	return s.order(name, o, func(d *deal) error {
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
func (d *deal) change(o *behalf.Order, was *Account, c *Change) error {
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
		if had, err := d.t.hadBooks(&d.a); err != nil || had {
			return cmp.Or(err, fmt.Errorf("account %q: %w", d.a.Name, ErrUsed))
		}
	}
	d.agree(was.Consent)
	if c.Abuse != nil {
		d.a.Abuse = strings.TrimSpace(*c.Abuse) != ""
		d.enter(ledger.Entry{Kind: ledger.KindAbuse, Note: *c.Abuse})
	}
	return d.t.known(&d.a)
}

// agree enters that the customer agreed to other terms than before.
func (d *deal) agree(was ledger.Consent) {
	is := &d.a.Consent
	if is.Version == was.Version && is.Time.Equal(was.Time) {
		return
	}
	is.Time = d.t.Now
	d.enter(ledger.Entry{Kind: ledger.KindConsent, Note: is.Version})
}

// RemoveAccount closes an account and deletes it with its credentials and
// networks. Its usage, its ledger and its invoices stay. It fails with ErrBusy
// while mail of it is in the queue and with ErrOwing while money is open
// between it and the operator.
func (s *Store) RemoveAccount(o behalf.Order, name string) error {
	err := s.carry(o.DryRun, func(t *tx) error {
		d, err := t.deal(name, o)
		if err == nil {
			err = o.Reaches(&t.Tx, name)
		}
		if err != nil {
			return err
		}
		waiting, err := t.s.Outcomes.Waiting(&t.Tx, name)
		if err != nil {
			return err
		}
		if waiting > 0 {
			return fmt.Errorf("account %s %w", name, ErrBusy)
		}
		if err := errors.Join(d.closeDue(), d.end(ledger.CauseRemoved, "")); err != nil {
			return err
		}
		if d.a.Balance != 0 {
			return fmt.Errorf("account %q: %w: its balance is %d", name, ErrOwing, d.a.Balance)
		}
		if o.DryRun {
			return nil
		}
		d.a.Owner, d.a.Reseller = "", ""
		if err := d.apply(); err != nil {
			return err
		}
		return t.deleteAccount(name)
	})
	if err != nil || o.DryRun {
		return err
	}
	return errors.Join(s.People.LoadNetworks(), s.Refusals.ForgetErrors(name))
}

func (t *tx) deleteAccount(name string) error {
	if err := people.Remove(&t.Tx, name); err != nil {
		return err
	}
	if err := t.s.Remarks.Forget(&t.Tx, name); err != nil {
		return err
	}
	if err := t.s.Signing.Forget(&t.Tx, name); err != nil {
		return err
	}
	if err := errors.Join(t.s.Refusals.Forget(&t.Tx, name), news.Remove(&t.Tx, name), t.s.Delivered.Forget(&t.Tx, name), t.s.Outcomes.Forget(&t.Tx, name)); err != nil {
		return err
	}
	if err := errors.Join(t.spoolTx.Forget(name), t.Delete(bucket.SignsOf, []byte(name))); err != nil {
		return err
	}
	return errors.Join(t.s.Strangers.Forget(&t.Tx, name), t.Delete(bucket.Accounts, []byte(name)))
}

// account is load for the hot path: a record that has not changed since it was
// last decoded, which its octets tell, is not decoded again.
func (t *tx) account(name string) (*Account, error) {
	return t.s.accounts.Load(&t.Tx, bucket.Accounts, name)
}
