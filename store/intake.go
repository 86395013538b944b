package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bodies"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/spooled"
)

// Refusal says why an account may not send, or not that much. It is an answer, not an error: nothing was
// stored or charged.
type Refusal struct {
	Account  string
	State    ledger.AccountState // of the account; Closed also for one that is gone
	Expired  bool                // the term has ended
	TermEnd  time.Time           // UTC; zero when the account is not active yet
	Revoked  bool                // the credential is gone
	Login    string              // credential that is held, see Held
	Held     *people.LoginHold   // why it is; nil: it is not
	Reason   string              // the operator's words
	Hold     string              // why the system holds it back: HoldUnpaid or ""
	Exceeded *quota.Exceeded     // what the allowance has no room for; nil: it has
	Month    bool                // Exceeded of a term of 30 days, which can be renewed
	Spent    bool                // that term is used up: a further one would begin at once (M13)
	Reseller string              // that manages the account, and is to be asked; "": the operator is
	Unpaid   *ledger.Invoice     // whose payment lets it send: the order of a pending account, or what is overdue; nil: none, or the account is a reseller's, whose prices differ
}

// Standing is where an account stands now. Periods that are over count as
// closed, whether or not the job that closes them has run.
type Standing struct {
	Account  Account
	Contract quota.Contract // the one that Period belongs to
	Period   quota.Period   // the one that now falls into; while not InTerm the nearest one
	InTerm   bool           // activated, and the term not over
	Goes     bool           // another period follows Period
	TermEnd  time.Time      // UTC, of Contract
	Used     Charges        // in Period
	Live     []quota.Lot    // credit that counts in Period, in the order of use

	due *deal // that closes periods that are over; nil: none is over
}

// InPeriod is the plan as it holds in Period, which may have a share of its allowance.
func (st *Standing) InPeriod() quota.Plan { return st.Plan().In(st.Period) }

// MayOver is the overage that the account may run up in Period, in units of the plan
// (M14); quota.Endless: there is no ceiling.
func (st *Standing) MayOver() int64 {
	return st.Contract.Plan.MayOver(st.Account.AtLimit, st.Account.OverMax)
}

// Use is how the period's usage is met so far. Of a period that is closed, because the term has ended, it
// has only Over: what was drawn and what was left uncovered are entries of the ledger.
func (st *Standing) Use() quota.Use {
	if st.Period.Key != st.Account.Open {
		return quota.Use{Over: quota.Over(st.InPeriod(), st.Used.Charged)}
	}
	return quota.Split(st.InPeriod(), st.Used.Charged, st.Live)
}

// Standing of an account at this moment.
func (s *Store) Standing(name string) (st Standing, err error) {
	err = s.view(func(t *tx) error { st, err = t.standing(name); return err })
	return st, err
}

func (t *tx) standing(name string) (st Standing, err error) {
	a, err := t.account(name)
	if err != nil {
		return st, err
	}
	return t.standingOf(a)
}

func (t *tx) standingOf(a *Account) (st Standing, err error) {
	st.Account = *a
	zone := t.s.zone
	st.Contract, st.Period, st.InTerm = a.Contracts.At(t.Now, zone)
	if st.Period.Key != a.Open || !t.Now.Before(st.Period.End) || t.Now.Before(st.Period.Start) {
		if err := st.elsewhere(t); err != nil {
			return st, err
		}
	}
	return st, st.read(t)
}

// read fills in what the period has used, and what else it may use.
func (st *Standing) read(t *tx) error {
	if st.Period.Key == "" {
		return nil
	}
	st.TermEnd = st.Contract.End
	if st.Goes = !st.Period.Last || st.TermEnd.Before(st.Account.TermEnd()); !st.Goes && st.InTerm {
		var err error
		if _, st.Goes, err = t.goesOn(&st.Contract); err != nil {
			return err
		}
	}
	st.Used, st.Live = *t.charges(st.Account.Name, st.Period.Key), nil
	if len(st.Account.Lots) > 0 {
		st.Live = quota.Live(st.Account.Lots, t.Now)
	}
	return nil
}

// Expired reports whether the term of an account that was active has ended.
func (st *Standing) Expired() bool { return st.Account.State == ledger.Active && !st.InTerm }

// State is the account's status; expired, once its term is over.
func (st *Standing) State() string {
	if st.Expired() {
		return "expired"
	}
	return string(st.Account.Status())
}

// Plan is the contract's plan, or the one that an account without a contract has ordered.
func (st *Standing) Plan() quota.Plan {
	if st.Contract.Key == "" && st.Account.Ordered != nil {
		return *st.Account.Ordered
	}
	return st.Contract.Plan
}

// Spent reports whether the term runs and is used up. That ends a month's term (M13): the next one begins
// with its payment or, where that waits already, with the next message.
func (st *Standing) Spent() bool {
	return st.InTerm && st.Contract.Spent(st.Used.Charged, st.Live)
}

// elsewhere fills in where the account stands when now is not in its open period. Either that period is
// over, and its close is worked out, or the clock was set back to before its start, and mail belongs to it
// all the same.
func (st *Standing) elsewhere(t *tx) error {
	if st.Account.Open == "" {
		st.InTerm = false
		return nil
	}
	c, p, ok := st.Account.Contracts.Find(st.Account.Open, t.s.zone)
	if ok && t.Now.Before(p.End) {
		st.Contract, st.Period, st.InTerm = c, p, true
		return nil
	}
	st.due = t.dealOn(st.Account, behalf.Order{})
	err := st.due.closeDue()
	st.Account = st.due.a
	st.Contract, st.Period, st.InTerm = st.Account.Contracts.At(t.Now, t.s.zone) // a term may have gone on
	return err
}

// refuse decides whether the account may send that much more; nil: it may.
func (st *Standing) refuse(asked quota.Charge) *Refusal {
	a := &st.Account
	r := &Refusal{Account: a.Name, State: a.Status(), Reason: a.Reason, Hold: a.Hold, TermEnd: st.TermEnd, Reseller: a.Reseller}
	if st.Expired() { // also where an invoice holds it back: paying that would not let it go on
		r.Expired = true
		return r
	}
	if r.State != ledger.Active {
		return r
	}
	over := quota.Fits(st.InPeriod(), st.Used.Charged, asked, st.Live, st.MayOver())
	if over == nil {
		return nil
	}
	if st.Goes {
		over.Renewed = st.Period.End
	}
	r.Exceeded, r.Month, r.Spent = over, st.Contract.Plan.Term == quota.Month, st.Spent()
	return r
}

// permit reads what refuse decides on. A refusal for an account or a
// credential that is gone is an answer too.
func (t *tx) permit(account, login string, asked quota.Charge) (*Refusal, Standing, error) {
	st, err := t.standing(account)
	if errors.Is(err, ErrNotFound) {
		return &Refusal{Account: account, State: ledger.Closed}, st, nil
	}
	if err != nil {
		return nil, st, err
	}
	if login != "" {
		c, err := t.s.People.CredentialIn(&t.Tx, login)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, st, err
		}
		if err != nil || c.Account != account {
			return &Refusal{Account: account, State: st.Account.Status(), Revoked: true}, st, nil
		}
		if c.Hold != nil {
			return &Refusal{Account: account, State: st.Account.Status(), Login: login, Held: c.Hold}, st, nil
		}
	}
	r := st.refuse(asked)
	if r != nil && r.Exceeded != nil {
		next, ok, err := st.goOn(t)
		if err != nil {
			return nil, st, err
		}
		if ok { // the next term decides if this one is used up, and otherwise only if it accepts
			if again := next.refuse(asked); again == nil || r.Spent {
				return again, next, nil
			}
		}
	}
	if r != nil && r.Reseller == "" && (r.State == ledger.Pending || r.Hold != "") {
		r.Unpaid, err = t.unpaidOf(account)
	}
	return r, st, err
}

// unpaidOf is the invoice that holds an account back, else the oldest open one.
func (t *tx) unpaidOf(account string) (*ledger.Invoice, error) {
	list, err := t.invoicesOf(account, true)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	i := max(slices.IndexFunc(list, func(i ledger.Invoice) bool { return i.Dunned }), 0)
	return &list[i], nil
}

// Permit decides whether the account, logged in with login ("": it is known by its network), may send what
// is asked at this moment; nil, nil: it may. A zero charge asks only for the account's state. Accept
// decides again.
func (s *Store) Permit(account, login string, asked quota.Charge) (r *Refusal, err error) {
	var st Standing
	err = s.view(func(t *tx) error { r, st, err = t.permit(account, login, asked); return err })
	if err == nil {
		s.refused(&st, r)
	}
	return r, err
}

// Intake is a message as the listener hands it over. The caller fills in these fields of the message:
// Account, Sender, Size, Expires, MessageID, EnvID, Ret, EightBit, SMTPUTF8, RequireTLS, and of each
// recipient Address, Domain, Notify, ORCPT. A mailbox that is named twice is one recipient: sent once,
// charged once.
type Intake struct {
	Message *spooled.Message
	Body    *bodies.Body
	Login   string // credential; "" when known by network
	Watched bool   // the login is watched, see access.Access.Enter
	Client  string // address, for the trace
}

// Accept decides the quota, charges it and stores message, body and queue keys, all in one transaction.
// nil, nil: the message is on disk and charged. With a refusal or an error nothing is; ErrFull says that
// the disk has no room, bodies.ErrShare that it has none for this account. The body is used up either way.
func (s *Store) Accept(in Intake) (refusal *Refusal, err error) {
	m, b := in.Message, in.Body
	defer b.Discard()
	m.Distinct()
	asked, err := quota.ForMessage(m.Size, len(m.Recipients))
	if err != nil {
		return nil, err
	}
	if asked.Messages == 0 {
		return nil, errors.New("accept: no recipients")
	}
	var st Standing
	hash := b.Hash()
	err = s.growThen(b.InMemory()+1024, func(t *tx) error {
		refusal, st, err = t.admit(&in, asked)
		if err != nil || refusal != nil {
			return err
		}
		if err := s.Bodies.ShareAlike(&t.Tx, m.Account, b.Size()-b.Staged()); err != nil {
			return err
		}
		m.ID, m.Stored, m.Accepted, m.Period, m.BodyHash = b.ID(), b.Size(), t.Wall, st.Period.Key, hash
		m.VERP = st.Account.VERP && m.Returnable()
		if err := errors.Join(t.charge(&st, asked), t.crossed(&st, asked), s.Strangers.Plan(&t.Tx, m, &st.Account)); err != nil {
			return err
		}
		if err := b.Keep(&t.Tx); err != nil {
			return err
		}
		m.Client, m.Login = in.Client, in.Login
		return t.Enqueue(m)
	})
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	if refusal != nil {
		s.refused(&st, refusal)
		return refusal, nil
	}
	b.Accepted()
	return nil, nil
}

// admit decides whether the account and the login may send the message, and returns where the account
// stands. A refusal for the quota has written nothing, so the other requests of the commit need not run
// again.
func (t *tx) admit(in *Intake, asked quota.Charge) (refusal *Refusal, st Standing, err error) {
	refusal, st, err = t.permit(in.Message.Account, in.Login, asked)
	if err == nil && refusal == nil && in.Watched {
		refusal, err = t.suspect(in.Message, in.Login, asked)
	}
	return refusal, st, err
}
