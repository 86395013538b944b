package sandbox

import (
	"errors"
	"fmt"

	"relay/report/words"
	"relay/store"
)

// sum writes the summary after the relay has stopped.
func (s *sandbox) sum() error {
	st, err := s.openStore(s.now)
	if err != nil {
		return err
	}
	var total store.Usage
	err = st.EachAccount(store.Wanted{}, func(a *store.Account) error {
		list, err := st.Usages(a.Name)
		for _, u := range list {
			total.Charged = total.Charged.Add(u.Charged)
			total.Delivered += u.Delivered
			total.Failed += u.Failed
			total.Queued += u.Queued
		}
		return err
	})
	s.out.say("")
	s.out.say(fmt.Sprintf("Accepted %s, %s: %s delivered, %s failed, %s waiting.", words.Plural(total.Charged.Messages, "e-mail"), words.Size(total.Charged.Bytes),
		words.Number(total.Delivered), words.Number(total.Failed), words.Number(total.Queued)))
	s.out.say("Removed " + string(s.dir))
	return errors.Join(err, st.Close())
}
