package standing

import (
	"errors"
	"slices"
	"time"

	"relay/quota"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
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
	Hold     string              // why the system holds it back: books.HoldUnpaid or ""
	Exceeded *quota.Exceeded     // what the allowance has no room for; nil: it has
	Month    bool                // Exceeded of a term of 30 days, which can be renewed
	Spent    bool                // that term is used up: a further one would begin at once (M13)
	Reseller string              // that manages the account, and is to be asked; "": the operator is
	Unpaid   *ledger.Invoice     // whose payment lets it send: the order of a pending account, or what is overdue; nil: none, or the account is a reseller's, whose prices differ
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

// PermitIn is Permit as this transaction sees it, with where the account stands. An account or a
// credential that is gone is refused, and no error.
func (s *Standings) PermitIn(t *room.Tx, account, login string, asked quota.Charge) (*Refusal, Standing, error) {
	st, err := s.StandingIn(t, account)
	if errors.Is(err, room.ErrNotFound) {
		return &Refusal{Account: account, State: ledger.Closed}, st, nil
	}
	if err != nil {
		return nil, st, err
	}
	if login != "" {
		c, err := s.r.People.CredentialIn(t, login)
		if err != nil && !errors.Is(err, room.ErrNotFound) {
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
		next, ok, err := s.goOn(t, &st)
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
		r.Unpaid, err = s.unpaidOf(t, account)
	}
	return r, st, err
}

// unpaidOf is the invoice that holds an account back, else the oldest open one.
func (s *Standings) unpaidOf(t *room.Tx, account string) (*ledger.Invoice, error) {
	list, err := s.r.Books.InvoicesIn(t, account, true)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	i := max(slices.IndexFunc(list, func(i ledger.Invoice) bool { return i.Dunned }), 0)
	return &list[i], nil
}

// Permit decides whether the account, logged in with login ("": it is known by its network), may send what
// is asked at this moment; nil, nil: it may. A zero charge asks only for the account's state. Accept
// decides again.
func (s *Standings) Permit(account, login string, asked quota.Charge) (r *Refusal, err error) {
	var st Standing
	err = s.view(func(t *room.Tx) error { r, st, err = s.PermitIn(t, account, login, asked); return err })
	if err == nil {
		s.TellRefused(&st, r)
	}
	return r, err
}
