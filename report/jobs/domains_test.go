package jobs

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/mailer/records"
	"relay/mailer/route"
	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/signing"
)

// zone is a DNS: "TXT NAME" and "CNAME NAME" to their values.
type zone struct {
	records map[string]string
	down    bool
}

var errDown = errors.New("no answer")

func (z *zone) look(kind, name string) (string, error) {
	v, ok := z.records[kind+" "+name]
	switch {
	case z.down:
		return "", errDown
	case !ok:
		return "", route.ErrNotFound
	}
	return v, nil
}

func (z *zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	v, err := z.look("TXT", name)
	return []string{v}, err
}

func (z *zone) LookupCNAME(_ context.Context, name string) (string, error) {
	return z.look("CNAME", name)
}

func (z *zone) LookupMX(context.Context, string) ([]route.MX, error)      { return nil, errDown }
func (z *zone) LookupAddrs(context.Context, string) ([]netip.Addr, error) { return nil, errDown }
func (z *zone) LookupPTR(context.Context, netip.Addr) ([]string, error)   { return nil, errDown }

// publish puts lines that the operator was told into the zone, for any label.
func (z *zone) publish(lines ...ZoneLine) {
	for _, l := range lines {
		z.records[l.Type+" "+strings.Replace(l.Name, "*", "any", 1)] = l.Value
	}
}

// A domain is looked at often until its owner has published its records, then once a day;
// it signs from then on, and not when the records are gone. Keys take turns.
func TestRunner_Domains(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Plan{Name: "p", Term: quota.Year}}); err != nil {
		t.Fatal(err)
	}
	z := &zone{records: map[string]string{}}
	r, log := runner(st, Config{Signing: Signing{Zone: "relay.example", Pairs: [][2]string{signing.Ed25519Selectors}, Names: z}})
	run := func() *Delegation {
		t.Helper()
		d, err := r.Domains(t.Context())
		if err != nil && !z.down {
			t.Fatal(err)
		}
		return d
	}
	if keys, _ := st.Signing.Keys(); run().Looked != 0 || keys != nil {
		t.Error("it makes keys, and nobody wants any")
	}
	d, err := st.Signing.AddDomain(behalf.Order{}, "acme", "shop.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Signing.MakeKeys(signing.Ed25519Selectors[:]...); err != nil {
		t.Fatal(err)
	}
	keys, err := st.Signing.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		z.publish(KeyLine("relay.example", &keys[i]))
	}
	if got := run(); !slices.Equal(got.Began, []string{"e1"}) || got.Looked != 1 || len(got.Delegated) != 0 {
		t.Errorf("%+v", got)
	}
	now = now.Add(10 * time.Minute)
	for _, s := range signing.Ed25519Selectors {
		z.records["CNAME "+d.Alias(s)] = d.Target(s, "relay.example")
	}
	if got := run(); !slices.Equal(got.Delegated, []string{"shop.example"}) {
		t.Errorf("%+v", got)
	}
	now = now.Add(time.Hour)
	if got := run(); got.Looked != 0 {
		t.Errorf("looked again after an hour: %+v", got)
	}
	z.down, now = true, now.Add(24*time.Hour)
	if got := run(); len(got.Failed) != 1 || len(got.Lost) != 0 {
		t.Errorf("no DNS: %+v", got)
	}
	z.down = false
	var turns []string
	told := 0
	for range 400 { // days
		now = now.Add(24 * time.Hour)
		got := run()
		turns = append(turns, got.Began...)
		if len(got.Lost) != 0 || len(got.Publish) > 1 {
			t.Fatalf("%+v", got)
		}
		told += len(got.Publish)
		z.publish(got.Publish...)
	}
	if !slices.Equal(turns, []string{"e2", "e1"}) || told != 2 {
		t.Errorf("turns %v, %d new records", turns, told)
	}
	log.mustMatch(t, `new signing key.*\*\.e1\.relay\.example`)
	delete(z.records, "CNAME "+d.Alias("e1"))
	now = now.Add(24 * time.Hour)
	if got := run(); !slices.Equal(got.Lost, []string{"shop.example"}) {
		t.Errorf("%+v", got)
	}
	log.mustMatch(t, "no longer delegated.*shop.example")
}

// Blocklists are asked about delegated domains once a day; a listing and its end are told.
func TestRunner_Domains_listed(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	st := openAt(t, func() time.Time { return now })
	r, _ := runner(st, Config{})
	one := &signing.Domain{Name: "acme.example", Account: "acme", Selectors: []string{"s1"}}
	asked := 0
	answer := records.Blocks{Asked: 2, Listings: []records.Listing{{List: "L"}}}
	s := &Signing{Blocked: func(context.Context, string) (records.Blocks, error) { asked++; return answer, nil }}
	look := func() *Delegation {
		d := &Delegation{}
		if err := r.askOf(t.Context(), s, one, now, d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := look(); len(d.Listed) != 1 || d.Listed[0] != "acme.example (L)" {
		t.Errorf("%+v", d)
	}
	one.Listed, one.Asked = []string{"L"}, now
	if now = now.Add(time.Hour); len(look().Listed) != 0 || asked != 1 {
		t.Errorf("asked %d times within a day", asked)
	}
	now = now.Add(24 * time.Hour)
	if d := look(); len(d.Listed)+len(d.Cleared) != 0 || asked != 2 {
		t.Errorf("%+v", d)
	}
	answer = records.Blocks{Asked: 1, Silent: []string{"L: no answer"}}
	if d := look(); len(d.Cleared) != 0 {
		t.Errorf("a silent list clears: %+v", d)
	}
	answer = records.Blocks{Asked: 2}
	if d := look(); len(d.Cleared) != 1 {
		t.Errorf("%+v", d)
	}
	if one.Selectors = nil; len(look().Cleared) != 0 || asked != 4 {
		t.Error("asked about a domain that is not delegated")
	}
}
