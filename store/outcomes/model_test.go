package outcomes

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// modelDay names a day of an account, or with day "" a period.
type modelDay struct{ account, day, period string }

// model is what the room should hold, added up as plainly as possible.
type model struct {
	*fixture
	days map[modelDay]*Sum
	all  map[modelDay]*Progress
}

var modelAccounts = []string{"acme", "acme2", "other"}

// mail is of one of a few accounts and periods, accepted on one of a few days.
func (m *model) mail(t *rapid.T) Mail {
	ago := rapid.IntRange(-2, 5).Draw(t, "days ago")
	if rapid.IntRange(0, 9).Draw(t, "old") == 0 {
		ago += daysKept
	}
	return Mail{Account: rapid.SampledFrom(modelAccounts).Draw(t, "account"), Period: rapid.SampledFrom([]string{"2026-03", "2026-03-2"}).Draw(t, "period"),
		Accepted: m.db.Now().AddDate(0, 0, -ago)}
}

// of a mail is what the model has of its period and of its day.
func (m *model) of(mail Mail) (*Progress, *Sum) {
	all, day := modelDay{mail.Account, "", mail.Period}, modelDay{mail.Account, mail.Accepted.Format(time.DateOnly), mail.Period}
	if m.all[all] == nil {
		m.all[all] = &Progress{}
	}
	if m.days[day] == nil {
		m.days[day] = &Sum{}
	}
	return m.all[all], m.days[day]
}

// count counts some mail in a transaction, which may fail behind it.
func (m *model) count(t *rapid.T) {
	fails := rapid.IntRange(0, 4).Draw(t, "fails") == 0
	var list []func(*room.Tx)
	for range rapid.IntRange(1, 6).Draw(t, "e-mails") {
		list = append(list, m.one(t, !fails))
	}
	err := m.db.Update(0, func(tx room.Tx) error {
		for _, do := range list {
			do(&tx)
		}
		if fails {
			return errors.New("rolled back")
		}
		return m.compare(t, &tx)
	})
	if fails != (err != nil) {
		t.Fatal(err)
	}
}

// one draws what to count, and counts it in the model if it will be stored.
func (m *model) one(t *rapid.T, stored bool) func(*room.Tx) {
	mail := m.mail(t)
	p, d := &Progress{}, &Sum{}
	if stored {
		p, d = m.of(mail)
	}
	switch rapid.SampledFrom([]string{"enter", "leave", "bounced", "complained", "delivered", "failed", "deferred"}).Draw(t, "what") {
	case "enter":
		p.Waiting, p.Stored = p.Waiting+1, p.Stored+7
		return func(tx *room.Tx) { m.Enter(tx, mail, 7) }
	case "leave":
		p.Waiting, p.Stored = p.Waiting-1, p.Stored-7
		return func(tx *room.Tx) { m.Leave(tx, mail, 7) }
	case "bounced":
		p.Bounced, d.Bounced = p.Bounced+1, d.Bounced+1
		return func(tx *room.Tx) { m.Bounced(tx, mail) }
	case "complained":
		p.Complained, d.Complained = p.Complained+1, d.Complained+1
		return func(tx *room.Tx) { m.Complained(tx, mail) }
	case "delivered":
		p.Delivered++
		d.Add(&Sum{Delivered: 1, Providers: map[string]Provider{"Google": {Delivered: 1}}})
		return func(tx *room.Tx) { m.Count(tx, mail, delivered("Google")) }
	case "failed":
		p.Failed++
		is := failed(rapid.SampledFrom([]string{"BadDomain", "SpamBlock"}).Draw(t, "category"))
		d.Add(&Sum{Failed: map[string]int64{is.Category: 1}})
		return func(tx *room.Tx) { m.Count(tx, mail, is) }
	}
	p.Deferred++
	d.Add(&Sum{Deferred: 1, Providers: map[string]Provider{"Yahoo": {Deferred: 1}}})
	return func(tx *room.Tx) { m.Count(tx, mail, Fate{spooled.Queued, spooled.Deferred, "", "Yahoo"}) }
}

// forget removes the days of an account, with one that the same transaction counts.
func (m *model) forget(t *rapid.T) {
	mail := m.mail(t)
	m.db.Do(m, func(tx *room.Tx) error {
		m.Count(tx, mail, delivered(""))
		return m.Forget(tx, mail.Account)
	})
	p, _ := m.of(mail)
	p.Delivered++
	maps.DeleteFunc(m.days, func(k modelDay, _ *Sum) bool { return k.account == mail.Account })
}

func (m *model) oldest() string { return room.DayBefore(m.db.Now(), daysKept, time.UTC) }

func (m *model) prune(t *rapid.T) {
	if _, err := m.Prune(m.db.Now()); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(m.days, func(k modelDay, _ *Sum) bool { return k.day < m.oldest() }) // though the clock may go back
}

func (m *model) pass(t *rapid.T) {
	m.db.Pass(rapid.SampledFrom([]time.Duration{time.Hour, 24 * time.Hour, 9 * 24 * time.Hour}).Draw(t, "time"))
}

// kill goes on with what is on disk.
func (m *model) kill(*rapid.T) {
	m.db = m.db.Killed(m)
	m.Outcomes = New(m.db.DB, Options{Zone: time.UTC})
}

// check compares the model with what readers find.
func (m *model) check(t *rapid.T) {
	if err := m.db.View(func(tx room.Tx) error { return m.compare(t, &tx) }); err != nil {
		t.Fatal(err)
	}
	for _, account := range modelAccounts {
		m.checkPeriods(t, account)
	}
}

// kept are the days that somebody may read.
func (m *model) kept() map[modelDay]Sum {
	days := map[modelDay]Sum{}
	for k, d := range m.days {
		if k.day >= m.oldest() && fmt.Sprint(*d) != fmt.Sprint(Sum{}) {
			days[k] = *d
		}
	}
	return days
}

// compare compares the model with what a transaction sees.
func (m *model) compare(t *rapid.T, tx *room.Tx) error {
	got := map[modelDay]Sum{}
	for _, account := range modelAccounts {
		err := m.EachDay(tx, account, "", "", func(day, period string, d *Day) {
			k, is := modelDay{account, day, period}, d.Sum()
			sum := got[k]
			sum.Add(&is)
			got[k] = sum
		})
		if err != nil {
			return err
		}
	}
	if is, want := fmt.Sprint(got), fmt.Sprint(m.kept()); is != want {
		t.Fatalf("days are\n%s\nwant\n%s", is, want)
	}
	for k, want := range m.all {
		is := m.Of(tx, k.account, k.period)
		if is.Day, is.Counts = "", ""; is != *want {
			t.Fatalf("%+v is %+v, want %+v", k, is, *want)
		}
	}
	return nil
}

// checkPeriods compares sums over periods with those of days.
func (m *model) checkPeriods(t *rapid.T, account string) {
	days := m.kept()
	for _, period := range []string{"2026-03", "2026-03-2"} {
		want := Sum{}
		for k, d := range days {
			if k.account == account && k.period == period {
				want.Add(&d)
			}
		}
		if got, err := m.InPeriod(account, period); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s in %s: %+v, %v; want %+v", account, period, got, err, want)
		}
	}
}

// Whatever is counted, in whatever order of days, over kills, failures and accounts that are
// removed: each day and each period has what a map of them has.
func TestOutcomes_AgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &model{fixture: open(t), days: map[modelDay]*Sum{}, all: map[modelDay]*Progress{}}
		m.db.AddAccounts(t, "acme2")
		r.Repeat(map[string]func(*rapid.T){"count": m.count, "count again": m.count, "forget": m.forget, "prune": m.prune,
			"pass": m.pass, "kill": m.kill, "": m.check})
		if keys := m.db.Keys(t, bucket.DaysOf); len(keys) > len(m.days) {
			r.Fatalf("%d days are stored, of %d", len(keys), len(m.days))
		}
	})
}
