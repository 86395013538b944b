package signing

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// fixture is the room in a store of its own, with the accounts acme and shop.
type fixture struct {
	*Signing
	*testing.T
	db *roomtest.Store

	owners  map[string]string // of accounts; "": the account itself
	service string            // account that asks for the operator's signature
	lost    []string          // what was told
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, db: roomtest.Open(t, Flush), owners: map[string]string{}}
	f.db.AddAccounts(t, "acme", "shop")
	f.Signing = New(f.db.DB, Options{Zone: time.UTC,
		Owner: func(_ *room.Tx, account string) (string, error) {
			if owner := f.owners[account]; owner != "" {
				return owner, nil
			}
			return "account " + account, nil
		},
		Service: func(_ *room.Tx, account string) bool { return account == f.service },
		Lost: func(_ *room.Tx, account, domain, what string) error {
			f.lost = append(f.lost, account+" "+domain+" "+what)
			return nil
		}})
	return f
}

func (f *fixture) add(account, name string) Domain {
	f.Helper()
	d, err := f.AddDomain(behalf.Order{}, account, name)
	if err != nil {
		f.Fatal(err)
	}
	return d
}

func (f *fixture) look(account, name string, look Look) Domain {
	f.Helper()
	d, err := f.LookedAt(account, name, look)
	if err != nil {
		f.Fatal(err)
	}
	return d
}

// domains are those of an account, or of all, behind one of them.
func (f *fixture) domains(account, afterAccount, after string) string {
	f.Helper()
	var got []string
	err := f.EachDomain(account, afterAccount, after, func(d *Domain) error { got = append(got, d.Account+":"+d.Name); return nil })
	if err != nil {
		f.Fatal(err)
	}
	return strings.Join(got, " ")
}

// Each account adds a domain once; the DNS decides which of them signs.
func TestSigning_AddDomain(t *testing.T) {
	f := open(t)
	d := f.add("acme", "a.example")
	if d.Label == "" || d.Target("s1", "relay.example") != d.Label+".s1.relay.example" || d.Alias("s2") != "s2._domainkey.a.example" || !d.Since.Equal(f.db.Now()) {
		t.Errorf("%+v", d)
	}
	for want, o := range map[error][]behalf.Order{room.ErrExists: {{}}, room.ErrNotFound: {{Reseller: "north"}, {Customer: "jane"}}} {
		for _, o := range o {
			if _, err := f.AddDomain(o, "acme", "a.example"); !errors.Is(err, want) {
				t.Errorf("added by %+v: %v, want %v", o, err, want)
			}
			if err := f.RemoveDomain(o, "acme", "b.example"); !errors.Is(err, room.ErrNotFound) {
				t.Errorf("removed by %+v: %v", o, err)
			}
		}
	}
	if _, err := f.AddDomain(behalf.Order{}, "nobody", "a.example"); !errors.Is(err, room.ErrNotFound) {
		t.Errorf("added to no account: %v", err)
	}
	f.add("shop", "b.example")
	f.add("shop", "a.example")
	f.add("acme", "c.example")
	for _, tt := range []struct{ account, afterAccount, after, want string }{
		{"", "", "", "acme:a.example acme:c.example shop:a.example shop:b.example"},
		{"", "acme", "c.example", "shop:a.example shop:b.example"},
		{"shop", "shop", "a.example", "shop:b.example"}, {"acme", "", "", "acme:a.example acme:c.example"}, {"nobody", "", "", ""},
	} {
		if got := f.domains(tt.account, tt.afterAccount, tt.after); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	if err := f.RemoveDomain(behalf.Order{}, "acme", "a.example"); err != nil {
		t.Error(err)
	}
	if _, err := f.Domain("acme", "a.example"); !errors.Is(err, room.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	f.db.Do(t, func(tx *room.Tx) error { return f.Forget(tx, "shop") })
	if got := f.domains("", "", ""); got != "acme:c.example" {
		t.Errorf("left: %q", got)
	}
}

// A label belongs to the owner of an account: it is the same for each of its domains, and another
// one's account gets another one.
func TestSigning_AddDomain_label(t *testing.T) {
	f := open(t)
	f.owners = map[string]string{"acme": "customer jane", "shop": "customer jane"}
	one, two := f.add("acme", "a.example"), f.add("shop", "b.example")
	if err := f.RemoveDomain(behalf.Order{}, "acme", "a.example"); err != nil {
		t.Fatal(err)
	}
	again := f.add("acme", "a.example")
	f.owners["shop"] = "customer joe"
	other := f.add("shop", "a.example")
	if one.Label != two.Label || again.Label != one.Label || other.Label == one.Label {
		t.Errorf("labels %s, %s, %s, %s", one.Label, two.Label, again.Label, other.Label)
	}
	errGone := errors.New("gone")
	f.o.Owner = func(*room.Tx, string) (string, error) { return "", errGone }
	if _, err := f.AddDomain(behalf.Order{}, "acme", "new.example"); !errors.Is(err, errGone) {
		t.Error(err)
	}
}

// The customer is told what a domain has lost since the last look, once a day at most.
func TestSigning_LookedAt(t *testing.T) {
	f := open(t)
	f.add("acme", "a.example")
	both := []string{"e1", "e2"}
	for _, step := range []struct {
		what string
		pass time.Duration
		look Look
		want string
	}{
		{"nothing yet", 0, Look{SPFKnown: true}, ""},
		{"all is there", time.Hour, Look{Selectors: both, SPF: true, SPFKnown: true}, ""},
		{"the DNS does not tell of SPF", time.Hour, Look{Selectors: both}, ""},
		{"one selector is gone, and SPF", time.Hour, Look{Selectors: both[1:], SPFKnown: true}, "acme a.example dkim spf"},
		{"the other one within the day", 23 * time.Hour, Look{SPFKnown: true}, ""},
		{"all is there again", 0, Look{Selectors: both, SPF: true, SPFKnown: true}, ""},
		{"a day later", time.Hour, Look{Selectors: both, SPFKnown: true}, "acme a.example spf"},
		{"it stays so", 48 * time.Hour, Look{Selectors: both, SPFKnown: true}, ""},
	} {
		f.db.Pass(step.pass)
		f.lost = nil
		d := f.look("acme", "a.example", step.look)
		if got := strings.Join(f.lost, ", "); got != step.want {
			t.Errorf("%s: told %q, want %q", step.what, got, step.want)
		}
		if !d.Looked.Equal(f.db.Now()) || !slices.Equal(d.Selectors, step.look.Selectors) || step.look.SPFKnown && d.SPF != step.look.SPF {
			t.Errorf("%s: %+v", step.what, d)
		}
	}
	if d := f.look("acme", "gone.example", Look{Selectors: both}); d.Name != "" || f.domains("acme", "", "") != "acme:a.example" {
		t.Errorf("a domain that is gone: %+v", d)
	}
	if err := errors.Join(f.AskedAt("acme", "a.example", []string{"dbl"}), f.AskedAt("acme", "gone.example", []string{"dbl"})); err != nil {
		t.Fatal(err)
	}
	if d, err := f.Domain("acme", "a.example"); err != nil || !slices.Equal(d.Listed, []string{"dbl"}) || !d.Asked.Equal(f.db.Now()) || d.Selectors == nil {
		t.Errorf("%+v, %v", d, err)
	}
}

// What the customer is to be told is stored with what was seen, or neither is.
func TestSigning_LookedAt_fails(t *testing.T) {
	f := open(t)
	f.add("acme", "a.example")
	f.look("acme", "a.example", Look{Selectors: []string{"s1"}})
	errFull := errors.New("full")
	f.o.Lost = func(*room.Tx, string, string, string) error { return errFull }
	if _, err := f.LookedAt("acme", "a.example", Look{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
	if d, err := f.Domain("acme", "a.example"); err != nil || !d.Delegated("s1") || !d.Broken.IsZero() {
		t.Errorf("%+v, %v", d, err)
	}
}

// The nearest domain that has delegated a selector signs, with the keys that sign at that time.
func TestSigning_For(t *testing.T) {
	f := open(t)
	shown := func(*Key) (bool, error) { return true, nil }
	if _, err := f.RotateKeys([][2]string{Ed25519Selectors}, shown); err != nil { // e1 begins
		t.Fatal(err)
	}
	for _, name := range []string{"a.example", "news.a.example", "idle.a.example", "b.example"} {
		f.add("acme", name)
	}
	f.look("acme", "a.example", Look{Selectors: []string{"e1", "e2"}})
	f.look("acme", "news.a.example", Look{Selectors: []string{"e1"}})
	f.look("acme", "b.example", Look{Selectors: []string{"e2"}})
	f.service = "acme"
	for _, tt := range []struct{ account, from, domain, keys string }{
		{"acme", "a.example", "a.example", "e1"}, {"acme", "x.y.a.example", "a.example", "e1"},
		{"acme", "news.a.example", "news.a.example", "e1"}, {"acme", "x.idle.a.example", "a.example", "e1"},
		{"acme", "b.example", "b.example", ""}, // delegated to the key that does not sign yet
		{"acme", "aa.example", "", ""}, {"acme", "", "", ""}, {"shop", "a.example", "", ""},
	} {
		is, service, err := f.For(tt.account, tt.from)
		var keys []string
		for _, k := range is.Keys {
			keys = append(keys, k.Selector)
		}
		if err != nil || is.Domain != tt.domain || strings.Join(keys, " ") != tt.keys || service != (tt.account == "acme") {
			t.Errorf("%+v: %s by %q, %t, %v", tt, is.Domain, keys, service, err)
		}
	}
	for account, want := range map[string]bool{"acme": true, "shop": false, "": false} {
		if got := f.MaySign(account); got != want {
			t.Errorf("%q may sign: %t", account, got)
		}
	}
}
