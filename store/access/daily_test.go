package access

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/news"
	"relay/store/room"
)

// dailyTold tells of the days until yesterday, and returns login and address of each use.
func (f *fixture) dailyTold() (list []string) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) error {
		day := room.DayBefore(t.Wall, 1, f.o.Zone)
		would, err := f.Daily(t, "acme", day)
		if err != nil {
			return err
		}
		n, err := f.TellDaily(t, "acme", day)
		if err != nil || n == nil {
			if would != nil {
				f.Errorf("%+v is to be told and is not", would)
			}
			return err
		}
		if n.About != day || n.Kind != news.AccessDaily || would == nil || len(would.Access) != len(n.Access) {
			f.Errorf("told %+v, to be told %+v", n, would)
		}
		for _, a := range n.Access {
			list = append(list, fmt.Sprintf("%s %s %v", a.Login, NetworkText(a.Address), a.New))
		}
		again, err := f.TellDaily(t, "acme", day)
		if again != nil {
			f.Errorf("told again: %+v", again)
		}
		return err
	})
	return list
}

// use notes a use as the listener does.
func (f *fixture) use(login, address string) {
	f.Helper()
	u := f.from(login, address)
	fresh, _, err := f.Enter(u)
	if err != nil {
		f.Fatal(err)
	}
	if !fresh {
		f.keep(u)
	}
}

// An account that was told nothing so far hears of the last day; after downtime of all days since
// those that were told, but of a month at most.
func TestAccess_TellDaily(t *testing.T) {
	f := open(t)
	const day = 24 * time.Hour
	want := func(what string, want ...string) {
		t.Helper()
		if got := f.dailyTold(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	f.use("acme", "192.0.2.1")
	f.db.Pass(day)
	f.use("phone", "198.51.100.1")
	f.db.Pass(day)
	want("the last day", "phone 198.51.100.1 true")
	f.use("phone", "198.51.100.1")
	f.db.Pass(10 * day)
	f.use("acme", "192.0.2.1")
	f.kill()
	want("after downtime", "phone 198.51.100.1 false")
	f.db.Pass((longestTold + 1) * day)
	f.use("phone", "198.51.100.1")
	f.db.Pass(day)
	want("after long downtime", "phone 198.51.100.1 false")
	want("told")
}

// Looked at each day, each use is told once: on the day after it, by the zone's days, whatever
// follows before the look.
func TestAccess_TellDaily_once(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := open(t)
		today := func() string { return room.Day(f.db.Now(), f.o.Zone) }
		used, told := map[string]bool{}, map[string]bool{}
		for last := today(); len(used) < 12; {
			for range rapid.IntRange(0, 3).Draw(r, "uses") {
				login := rapid.SampledFrom([]string{"acme", "phone"}).Draw(r, "login")
				address := fmt.Sprintf("192.0.%d.1", rapid.IntRange(2, 4).Draw(r, "address"))
				f.use(login, address)
				used[today()+" "+login+" "+address] = true
			}
			if today() > last {
				day := last
				last = today()
				for _, is := range f.dailyTold() {
					var login, address string
					if _, err := fmt.Sscan(is, &login, &address); err != nil {
						r.Fatal(err)
					}
					key := day + " " + login + " " + address
					if told[key] || !used[key] {
						r.Errorf("%s is told twice, or was not", key)
					}
					told[key] = true
				}
			}
			f.db.Pass(time.Duration(rapid.IntRange(1, 20).Draw(r, "hours")) * time.Hour)
		}
		for key := range used {
			if day := key[:len(time.DateOnly)]; !told[key] && day < room.DayBefore(f.db.Now(), 1, f.o.Zone) {
				r.Errorf("%s was not told", key)
			}
		}
	})
}
