package books

import (
	"slices"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// Profiles are how fast an account's mail may go, the slowest first.
var Profiles = []string{"prudent", "normal", "full"}

// AuthRefuse is the Auth of an account whose mail is refused at intake when nothing proves to
// receivers who it is from. Mail of other accounts is taken, and a remark is kept.
const AuthRefuse = "refuse"

// HoldUnpaid is the Hold of an account that has an unpaid invoice beyond its days of
// grace. The payment lifts it.
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
	Seq       uint64          `json:"seq,omitempty"`       // number of the last ledger entry
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

// Contract is the one that runs at an instant; where none does, the one that quota.Contracts.At
// finds. It is nil for an account that never was active.
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

// Begun is when the open period began or the newest credit was granted, whichever is later; where all
// periods are closed, it is the end of the terms. Only a clock that was set back is before it.
func (a *Account) Begun(zone *time.Location) (t time.Time) {
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

// Expired reports whether the term of an active account has ended at a time of the books. It serves
// for an account as an order would leave it; for a stored one there is standing.Standing.Expired.
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
func (s *Books) Account(name string) (a Account, err error) {
	err = s.view(func(t *room.Tx) error { a, err = room.Load[Account](t, bucket.Accounts, name); return err })
	return a, err
}

// AccountIn is the account as this transaction sees it. A record that has not changed since it was last
// decoded is not decoded again, so the account is not to be changed.
func (s *Books) AccountIn(t *room.Tx, name string) (*Account, error) {
	return s.accounts.Load(t, bucket.Accounts, name)
}

// WarnStep is how far a customer was told that a term ends.
type WarnStep struct {
	Term string `json:"term,omitempty"` // key of the term's first period; "": of none yet
	Days int    `json:"days,omitempty"` // the last step that was told
}

// LastTerm of an account that has one.
func (a *Account) LastTerm() quota.Contract { return a.Contracts[len(a.Contracts)-1] }

// is reports whether an entry is the one of this warning.
func (w WarnStep) is(e *ledger.Entry) bool { return e.Period == w.Term && e.Days == w.Days }

// Buyer is whom an account's invoices are to: its customer's postal address, or else its name and contact.
func (s *Books) Buyer(t *room.Tx, a *Account) ([]string, error) {
	if a.Owner != "" {
		c, err := people.CustomerIn(t, a.Owner)
		if err != nil {
			return nil, err
		}
		if len(c.Address) > 0 {
			return c.Address, nil
		}
	}
	if a.Contact == "" {
		return []string{a.Name}, nil
	}
	return []string{a.Name, a.Contact}, nil
}
