package plans

import (
	"errors"
	"reflect"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/store/books"
)

// Terms counts accounts by the terms that they bought.
type Terms struct {
	Accounts int64 `json:"accounts"`
	AtLeast  bool  `json:"at_least,omitempty" doc:"Not every account was looked at."`
}

// lookFor is how long accounts are counted: with many of them that takes long, and the
// number is not worth it.
const lookFor = 500 * time.Millisecond

var errEnough = errors.New("enough")

// running counts the accounts whose present term is one that is means; nil: none is.
func running(s *act.Service, is func(terms *quota.Plan) bool) (*Terms, error) {
	end, now, looked, t := time.Now().Add(lookFor), s.Store.BookTime(), 0, &Terms{}
	err := s.Store.Books.EachAccount(books.Wanted{}, func(a *books.Account) error {
		if terms := a.Contract(now); terms != nil && terms.Holds(now) && is(&terms.Plan) {
			t.Accounts++
		}
		if looked++; looked%1000 == 0 && time.Now().After(end) {
			return errEnough
		}
		return nil
	})
	if t.AtLeast = errors.Is(err, errEnough); t.AtLeast {
		err = nil
	}
	if t.Accounts == 0 {
		t = nil
	}
	return t, err
}

// sameTerms reports whether the buyer of either gets the same.
func sameTerms(a, b *quota.Plan) bool {
	x, y := *a, *b
	for _, p := range []*quota.Plan{&x, &y} {
		p.Retired, p.Resale, p.Recipients, p.CreditStep, p.AtLimit, p.OverMax = false, false, p.MaxRecipients(), p.Step(), p.Choices(), p.Ceiling(0)
		if len(p.Blocks) == 0 {
			p.Blocks = nil
		}
	}
	return reflect.DeepEqual(x, y)
}
