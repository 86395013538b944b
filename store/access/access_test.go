package access

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
	"relay/store/room/roomtest"
)

const accessWait = 5 * time.Minute // after which uses from new networks are told

// fixture is the room in a store of its own, with the account acme and its logins acme and phone.
type fixture struct {
	*Access
	testing.TB
	db      *roomtest.Store
	people  *people.People
	news    *news.News
	wants   []news.Topic // what acme chose
	busiest int64        // e-mails of its busiest day
}

func open(t testing.TB) *fixture {
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{TB: t, db: roomtest.Open(t), wants: []news.Topic{news.TopicAccess}}
	f.db.AddAccounts(t, "acme", "acme2")
	f.on(f.db, Options{Zone: rome})
	for _, login := range []string{"acme", "phone"} {
		f.add("acme", login)
	}
	return f
}

// on is the room in a store.
func (f *fixture) on(db *roomtest.Store, o Options) {
	o.Wants = func(_ *room.Tx, _ string, topic news.Topic) (bool, error) {
		return slices.Contains(f.wants, topic), nil
	}
	o.Busiest = func(*room.Tx, string) (int64, error) { return f.busiest, nil }
	f.db, f.people, f.news = db, people.New(db.DB), news.New(db.DB)
	f.Access = New(db.DB, f.people, f.news, o)
}

// kill goes on with the store as it is after a kill at this instant.
func (f *fixture) kill() {
	f.Helper()
	f.on(f.db.Killed(f), Options{Zone: f.o.Zone, Theft: *f.theft.Load()})
}

func (f *fixture) add(account, login string) {
	f.Helper()
	if err := f.people.AddCredential(behalf.Order{}, people.Credential{Login: login, Account: account, Kind: people.Token, Hash: "x"}); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) revoke(login string) {
	f.Helper()
	if err := f.people.RemoveCredential(behalf.Order{}, "acme", login); err != nil {
		f.Fatal(err)
	}
}

// from is a use of a login at this moment.
func (f *fixture) from(login, address string) Use {
	a := netip.MustParseAddr(address)
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return Use{Login: login, From: p, Count: 1, Last: f.db.Now(), Program: "mail.example"}
}

// enter notes a use after so many wrong passwords, and returns whether what is sent then is watched.
func (f *fixture) enter(login, address string, failed int) bool {
	f.Helper()
	u := f.from(login, address)
	u.Failed = failed
	_, watched, err := f.Enter(u)
	if err != nil {
		f.Fatal(err)
	}
	return watched
}

func (f *fixture) keep(list ...Use) {
	f.Helper()
	if left, err := f.Keep(list); err != nil || len(left) > 0 {
		f.Fatalf("%d left, %v", len(left), err)
	}
}

// uses of a login.
func (f *fixture) uses(login string) Uses {
	f.Helper()
	is, err := f.Uses(login)
	if err != nil {
		f.Fatal(err)
	}
	return is
}

// told is all news that waits.
func (f *fixture) told() (list []news.Item) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) (err error) { list, err = room.All[news.Item](t, bucket.NewsOf, nil); return err })
	return list
}

// newAccesses are the accesses that are news, as login and network.
func (f *fixture) newAccesses() (list []string) {
	f.Helper()
	for _, n := range f.told() {
		for _, a := range n.Access {
			list = append(list, a.Login+" "+a.Network.String())
		}
	}
	return list
}

// Records have the form that they had in stores of before.
func TestAccess_stored(t *testing.T) {
	f := open(t)
	f.SetTheft(Theft{Failed: 3, Recipients: 50})
	f.wants, f.busiest = []news.Topic{news.TopicAccessDaily}, 7
	f.enter("acme", "192.0.2.1", 0)
	f.db.Pass(36 * time.Hour)
	f.keep(f.from("acme", "192.0.2.1"))
	f.enter("acme", "2001:db8:1:1::1", 3)
	f.db.Do(t, func(tx *room.Tx) error {
		_, err := f.Suspect(tx, "acme", 3, func() (int64, bool, error) { return 2, true, nil })
		if err == nil {
			_, err = f.TellDaily(tx, "acme", "2026-03-03")
		}
		return err
	})
	f.db.Do(t, func(tx *room.Tx) error {
		const use = `{"networks":[` +
			`{"network":"2001:db8:1::/48","first":"2026-03-03T00:00:00Z","last":"2026-03-03T00:00:00Z","count":1,"program":"mail.example","strange":true,` +
			`"addresses":[{"address":"2001:db8:1:1::/64","last":"2026-03-03T00:00:00Z","count":1}]},` +
			`{"network":"192.0.2.0/24","first":"2026-03-01T12:00:00Z","last":"2026-03-03T00:00:00Z","count":2,"program":"mail.example",` +
			`"addresses":[{"address":"192.0.2.1/32","last":"2026-03-03T00:00:00Z","before":"2026-03-01T12:00:00Z","count":2}]}],` +
			`"suspicion":{"since":"2026-03-03T00:00:00Z","failed":3,"usual":7,"sent":3,"first":2}}`
		if raw := tx.Get(bucket.AccessOf, []byte("acme")); string(raw) != use {
			t.Errorf("use\n%s, want\n%s", raw, use)
		}
		const mark = `{"about":"2026-03-03","used":{"messages":0,"bytes":0},"at":"2026-03-03T00:00:00Z"}`
		if raw := tx.Get(bucket.ToldOf, room.Pair("acme", "access-daily")); string(raw) != mark {
			t.Errorf("mark %s, want %s", raw, mark)
		}
		return nil
	})
}

// A revoked login is not noted, and nothing of it is left.
func TestAccess_revoked(t *testing.T) {
	f := open(t)
	f.enter("phone", "192.0.2.1", 0)
	f.revoke("phone")
	f.enter("phone", "192.0.2.1", 0)
	f.keep(f.from("phone", "192.0.2.1"))
	if keys := f.db.Keys(t, bucket.AccessOf); len(keys) > 0 {
		t.Errorf("access of %q is kept", keys)
	}
}

// A damaged record is an error of each act, and nothing is noted.
func TestAccess_damaged(t *testing.T) {
	f := open(t)
	f.db.Do(t, func(tx *room.Tx) error { return tx.Put(bucket.AccessOf, []byte("acme"), []byte("?")) })
	if _, err := f.Uses("acme"); err == nil {
		t.Error("its uses are read")
	}
	if fresh, watched, err := f.Enter(f.from("acme", "192.0.2.1")); err == nil || fresh || watched {
		t.Errorf("entered: %v, %v, %v", fresh, watched, err)
	}
	if fresh, _, err := f.Enter(f.from("phone", "192.0.2.1")); err == nil || fresh { // it asks the other login
		t.Errorf("entered: %v, %v", fresh, err)
	}
	err := f.db.Update(0, func(tx room.Tx) error {
		_, err := f.Daily(&tx, "acme", "2026-03-01")
		_, held := f.Suspect(&tx, "acme", 1, nil)
		if told := f.Programs(&tx, []news.LoginUse{{Login: "acme"}}); err == nil || held == nil || told == nil {
			t.Errorf("%v, %v, %v", err, held, told)
		}
		return errors.Join(err, held)
	})
	if list := f.told(); err == nil || len(list) > 0 {
		t.Errorf("news %+v, %v", list, err)
	}
}
