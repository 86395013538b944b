package source

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"relay/mailer/blocklist"
	"relay/mailer/route"
)

func TestWarmth(t *testing.T) {
	w := Warmth{}
	var got []string
	for _, day := range []struct {
		number, send int
		blamed       bool
	}{{10, 100, false}, {11, 40, false}, {12, 30, false}, {13, 200, true}, {14, 100, false}, {20, 1000, false}, {19, 5, false}, {21, 0, false}, {22, 0, false}} {
		w = w.At(int64(day.number), 50)
		n := min(day.send, w.Free())
		w.Send(n)
		w.Blamed = w.Blamed || day.blamed
		got = append(got, fmt.Sprint(w.Ceiling, "/", n, "/", w.Days))
	}
	// doubled after a day that used half of it; not after one that did not, or was blamed
	want := "50/50/1 100/40/2 100/30/3 100/100/4 100/100/5 200/200/6 200/0/6 400/0/6 400/0/6"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
}

// However a source is used, its ceiling never more than doubles, never falls, and grows for
// a day only once.
func TestWarmth_property(t *testing.T) {
	w, day := Warmth{}, int64(100)
	for i := range 2000 {
		before := w
		day += int64(i*7%5) - 1
		w = w.At(day, 3)
		switch {
		case before.Day != 0 && w.Ceiling > 2*before.Ceiling, w.Ceiling < before.Ceiling, w.Ceiling > Warm:
			t.Fatalf("%+v after %+v", w, before)
		case day <= before.Day && w != before:
			t.Fatalf("%+v after %+v on the same day", w, before)
		}
		w.Send(i * 13 % 50 * w.Ceiling / 50)
		w.Blamed = i%11 == 0
	}
	if w.Free() != Warm {
		t.Errorf("it is never warm: %+v", w)
	}
}

func TestTurns(t *testing.T) {
	at := time.Date(2026, 11, 29, 23, 59, 59, 0, time.UTC)
	if got := Turns(at); !got.Equal(time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)) || Day(got) != Day(at)+1 {
		t.Errorf("%s", got)
	}
}

// world is a DNS: "PTR ADDRESS", "A NAME" and "TXT NAME" to values, with spaces between.
type world map[string]string

func (w world) look(kind, name string) ([]string, error) {
	v, ok := w[kind+" "+name]
	if !ok {
		return nil, route.ErrNotFound
	}
	if kind == "TXT" {
		return []string{v}, nil
	}
	return strings.Fields(v), nil
}

func (w world) LookupTXT(_ context.Context, name string) ([]string, error) {
	return w.look("TXT", strings.TrimSuffix(name, "."))
}
func (w world) LookupPTR(_ context.Context, a netip.Addr) ([]string, error) {
	return w.look("PTR", a.String())
}
func (w world) LookupMX(context.Context, string) ([]route.MX, error) { return nil, route.ErrNotFound }
func (w world) LookupAddrs(_ context.Context, name string) (list []netip.Addr, err error) {
	texts, err := w.look("A", strings.TrimSuffix(name, "."))
	for _, t := range texts {
		list = append(list, netip.MustParseAddr(t))
	}
	return list, err
}

func TestCheck(t *testing.T) {
	text := "[[list]]\nname = \"L\"\nzone = \"l.test\"\nof = \"address\"\n"
	for _, l := range blocklist.Default().Of(blocklist.Addresses) {
		text += fmt.Sprintf("[[list]]\nname = %q\noff = true\n", l.Name)
	}
	own, err := blocklist.Read("own", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	good := func() world {
		return world{"PTR 192.0.2.1": "mail.test", "A mail.test": "192.0.2.1 2001:db8::1", "TXT mail.test": "v=spf1 a -all", "A 2.0.0.127.l.test": "127.0.0.2"}
	}
	for _, c := range []struct {
		name   string
		change func(world)
		want   string // statuses, by check
	}{
		{"all in order", func(world) {}, "address ok, PTR ok, EHLO ok, SPF ok, blocklists ok"},
		{"no PTR", func(w world) { delete(w, "PTR 192.0.2.1") }, "address ok, PTR failed, EHLO ok, SPF ok, blocklists ok"},
		{"another PTR", func(w world) { w["PTR 192.0.2.1"] = "x.test"; w["A x.test"] = "192.0.2.1" }, "address ok, PTR warning, EHLO ok, SPF ok, blocklists ok"},
		{"a PTR that leads elsewhere", func(w world) { w["PTR 192.0.2.1"] = "x.test" }, "address ok, PTR warning, PTR failed, EHLO ok, SPF ok, blocklists ok"},
		{"EHLO leads elsewhere", func(w world) { w["A mail.test"] = "192.0.2.9" }, "address ok, PTR failed, EHLO failed, SPF failed, blocklists ok"},
		{"no SPF", func(w world) { delete(w, "TXT mail.test") }, "address ok, PTR ok, EHLO ok, SPF warning, blocklists ok"},
		{"listed", func(w world) { w["A 1.2.0.192.l.test"] = "127.0.0.2" }, "address ok, PTR ok, EHLO ok, SPF ok, blocklists failed"},
		{"lists do not answer", func(w world) { delete(w, "A 2.0.0.127.l.test") }, "address ok, PTR ok, EHLO ok, SPF ok, blocklists warning"},
	} {
		w := good()
		c.change(w)
		s := &Source{Addr: netip.MustParseAddr("192.0.2.1"), EHLO: "mail.test"}
		var got []string
		for _, f := range Check(t.Context(), w, s, nil, own, "") {
			got = append(got, f.Check+" "+string(f.Status))
			if (f.Status != OK) != (f.Advice != "") {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, text, c.want)
		}
	}
}
