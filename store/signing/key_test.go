package signing

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// Two years of rotation: always one key of the pair signs, once the DNS has
// shown it, and no key goes before its last signature has expired.
func TestSigning_RotateKeys(t *testing.T) {
	f := open(t)
	pairs := [][2]string{Ed25519Selectors}
	published := map[string]bool{} // public keys that the operator has put into the DNS
	var told int
	var ended time.Time
	run := func() Rotation {
		t.Helper()
		r, err := f.RotateKeys(pairs, func(k *Key) (bool, error) { return published[k.Public], nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Ended) > 0 {
			ended = f.db.Now()
		}
		if len(r.Fresh) > 0 {
			told++
			if f.db.Now().Before(ended.Add(RetireAfter)) {
				t.Errorf("%v is replaced %v after its last signature", r.Fresh, f.db.Now().Sub(ended))
			}
		}
		return r
	}
	signer := func() (selector string) {
		t.Helper()
		keys, err := f.Keys()
		if err != nil || len(keys) != 2 {
			t.Fatal(keys, err)
		}
		for i := range keys {
			if keys[i].Signs() && selector != "" {
				t.Fatal("both keys sign")
			} else if keys[i].Signs() {
				selector = keys[i].Selector
			}
		}
		return selector
	}
	publish := func() {
		keys, err := f.Keys()
		if err != nil {
			t.Fatal(err)
		}
		for i := range keys {
			published[keys[i].Public] = true
			if !keys[i].Publishes(keys[i].Record()) || keys[i].Publishes("v=DKIM1; k=ed25519; p=") {
				t.Errorf("record %q", keys[i].Record())
			}
		}
	}
	run()
	if got := signer(); got != "" {
		t.Fatalf("%s signs, and the DNS does not show it", got)
	}
	publish()
	if r := run(); !slices.Equal(r.Began, []string{"e1"}) || signer() != "e1" {
		t.Fatalf("%+v", r)
	}
	var turns []string
	for day := range 2 * 365 {
		f.db.Pass(24 * time.Hour)
		r := run()
		turns = append(turns, r.Began...)
		if signer() == "" {
			t.Fatalf("day %d: nothing signs", day)
		}
		if day%50 == 0 && told > 0 { // the operator takes his time
			publish()
		}
	}
	if !slices.Equal(turns, []string{"e2", "e1", "e2", "e1"}) || told != 3 { // of the last turn it is too early
		t.Errorf("turns %v, new records %d times", turns, told)
	}
}

// A key that the DNS does not show waits: the old one goes on. A DNS that does not answer
// changes nothing.
func TestSigning_RotateKeys_waits(t *testing.T) {
	f := open(t)
	shown := map[string]bool{"e1": true}
	var down error
	run := func() Rotation {
		t.Helper()
		r, err := f.RotateKeys([][2]string{Ed25519Selectors}, func(k *Key) (bool, error) { return shown[k.Selector], down })
		if !errors.Is(err, down) {
			t.Fatal(err)
		}
		return r
	}
	run()
	f.db.Pass(2 * RotateAfter)
	if r := run(); r.Began != nil || r.Ended != nil {
		t.Errorf("%+v, and the DNS does not show e2", r)
	}
	shown["e2"], down = true, errors.New("no answer")
	if r := run(); r.Began != nil {
		t.Errorf("%+v, and the DNS does not answer", r)
	}
	down = nil
	if r := run(); !slices.Equal(r.Began, []string{"e2"}) || !slices.Equal(r.Ended, []string{"e1"}) {
		t.Errorf("%+v", r)
	}
}

func TestKey_Signer(t *testing.T) {
	f := open(t)
	if err := f.MakeKeys("s1", "e1"); err != nil {
		t.Fatal(err)
	}
	keys, err := f.Keys()
	if err != nil || len(keys) != 2 {
		t.Fatal(keys, err)
	}
	for i := range keys {
		if _, err := keys[i].Signer(); err != nil {
			t.Error(err)
		}
	}
	if r := keys[0].Record(); !strings.HasPrefix(r, "v=DKIM1; k=ed25519; p=") || len(r) > 80 {
		t.Errorf("record %s", r)
	}
}
