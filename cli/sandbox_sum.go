package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"relay/store"
)

// turn tells of the months that have ended since it was called last.
func (s *sandbox) turn(context.Context) {
	last, now := s.turned, s.relay.store.Now()
	s.turned = now
	err := s.relay.store.Accounts(func(a store.Account) error {
		zone := s.relay.cfg.zone()
		for at := later(last, a.Activated()); ; {
			c, p, ok := a.Contracts.At(at, zone)
			if !ok || p.End.After(now) {
				return nil
			}
			u, err := s.relay.store.Usage(a.Name, p.Key)
			if err != nil {
				return err
			}
			v := viewUsage(u, c.Plan)
			next := "its term is over"
			if _, following, ok := a.Contracts.At(p.End, zone); ok {
				next = following.Key + " begins"
			}
			s.out.timed(s.stamp(now), fmt.Sprintf("%s is over: %s used %s e-mails, %s; %s", p.Key, cut(a.Name, 30),
				ofLimit(v.Messages, c.Plan.Emails, number), ofLimit(v.Bytes, c.Plan.Bandwidth, size), next))
			at = p.End
		}
	})
	if err != nil {
		s.relay.logJobFailed("turn of the month", err)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sum says how it went, after the end of the relay.
func (s *sandbox) sum() error {
	st, err := s.openStore(s.now)
	if err != nil {
		return err
	}
	var total store.Usage
	err = st.Accounts(func(a store.Account) error {
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
	s.out.say(fmt.Sprintf("Taken %s, %s: %s delivered, %s failed, %s waiting.", plural(total.Charged.Messages, "e-mail"), size(total.Charged.Bytes),
		number(total.Delivered), number(total.Failed), number(total.Queued)))
	s.out.say("Removed " + string(s.dir))
	return errors.Join(err, st.Close())
}
