package standing

import (
	"relay/quota"
	"relay/store/behalf"
	"relay/store/room"
)

// Charge counts what PermitIn allowed to an account, in the same transaction. The first charge of
// another day makes an entry of the day before. The first of another period closes the periods
// that are over, so that its own entries come after those of the close.
func (s *Standings) Charge(t *room.Tx, st *Standing, asked quota.Charge) error {
	c, day := s.r.Books.ChargesIn(t, st.Account.Name, st.Period.Key), room.Day(t.Now, s.zone)
	if c.Day < day && c.Today != (quota.Charge{}) {
		if st.due == nil {
			st.due = s.r.Orders.NewDeal(t, st.Account, behalf.Order{})
		}
		st.due.EndDay(st.Period.Key, t.Now)
	}
	if st.due != nil {
		if err := st.due.Apply(); err != nil {
			return err
		}
	}
	t.Touch()
	c.Day = max(c.Day, day) // a clock that goes back does not make a day come twice
	c.Today = c.Today.Add(asked)
	c.Charged = c.Charged.Add(asked)
	return nil
}
