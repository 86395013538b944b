package blocklist

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"relay/mailer/route"
)

// zones is a DNS of blocklists as a map.
type zones map[string][]string

func (z zones) LookupAddrs(_ context.Context, host string) (list []netip.Addr, err error) {
	texts, ok := z[host]
	switch {
	case !ok:
		return nil, route.ErrNotFound
	case len(texts) == 1 && texts[0] == "timeout":
		return nil, errors.New("no answer")
	}
	for _, t := range texts {
		list = append(list, netip.MustParseAddr(t))
	}
	return list, nil
}

func (z zones) LookupTXT(_ context.Context, name string) ([]string, error) {
	if _, ok := z[name]; ok {
		return []string{"see", "https://l.test/"}, nil
	}
	return nil, route.ErrNotFound
}

const own = `
[[list]]
name = "L"
zone = "l.test"
of = "address"

[[list]]
name = "D"
zone = "{key}.d.test"
of = "domain"
key = "k1"
answers = ["127.0.1.0/24"]
refused = ["127.0.1.255"]
drains = false
`

func lists(t *testing.T, text string) *Lists {
	t.Helper()
	l, err := Read("own.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func named(t *testing.T, l *Lists, name string) *List {
	t.Helper()
	i := slices.IndexFunc(l.all, func(one *List) bool { return one.Name == name })
	if i < 0 {
		t.Fatalf("no list %s", name)
	}
	return l.all[i]
}

func TestList_Ask(t *testing.T) {
	all := lists(t, own)
	dns := zones{
		"1.2.0.192.l.test": {"127.0.0.4", "127.0.0.2"},
		"2.2.0.192.l.test": {"192.0.2.80"},
		"3.2.0.192.l.test": {"127.255.255.254"},
		"4.2.0.192.l.test": {"timeout"},
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.l.test": {"127.0.0.2"},
		"bad.example.k1.d.test":  {"127.0.1.2"},
		"odd.example.k1.d.test":  {"127.0.0.2"},
		"addr.example.k1.d.test": {"127.0.1.255"},
	}
	for _, c := range []struct {
		list, subject, want string // codes, or no, refused, error
	}{
		{"L", "192.0.2.1", "127.0.0.2 127.0.0.4"},
		{"L", "::ffff:192.0.2.1", "127.0.0.2 127.0.0.4"},
		{"L", "192.0.2.2", "no"},
		{"L", "192.0.2.3", "refused"},
		{"L", "192.0.2.4", "error"},
		{"L", "192.0.2.9", "no"},
		{"L", "2001:db8::1", "127.0.0.2"},
		{"L", "example.com", "error"},
		{"D", "Bad.example.", "127.0.1.2"},
		{"D", "odd.example", "no"},
		{"D", "addr.example", "refused"},
		{"D", "good.example", "no"},
		{"D", "", "error"},
	} {
		a, err := named(t, all, c.list).Ask(t.Context(), dns, c.subject)
		got := "no"
		switch {
		case errors.Is(err, ErrRefused):
			got = "refused"
		case err != nil:
			got = "error"
		case a.Listed:
			got = strings.Join(a.Codes, " ")
			if a.Text != "see https://l.test/" {
				t.Errorf("%s: text %q", c.subject, a.Text)
			}
		}
		if got != c.want {
			t.Errorf("%s of %q: %s, want %s", c.list, c.subject, got, c.want)
		}
	}
}

func TestList_Healthy(t *testing.T) {
	all := lists(t, own)
	for _, c := range []struct {
		name, list string
		dns        zones
		well       bool
	}{
		{"as it should", "L", zones{"2.0.0.127.l.test": {"127.0.0.2"}}, true},
		{"lists nothing", "L", zones{}, false},
		{"lists all", "L", zones{"2.0.0.127.l.test": {"127.0.0.2"}, "1.0.0.127.l.test": {"127.0.0.2"}}, false},
		{"sold", "L", zones{"2.0.0.127.l.test": {"192.0.2.80"}, "1.0.0.127.l.test": {"192.0.2.80"}}, false},
		{"refuses", "L", zones{"2.0.0.127.l.test": {"127.255.255.254"}}, false},
		{"dead", "L", zones{"2.0.0.127.l.test": {"timeout"}}, false},
		{"domains", "D", zones{"test.k1.d.test": {"127.0.1.2"}}, true},
	} {
		if err := named(t, all, c.list).Healthy(t.Context(), c.dns); (err == nil) != c.well {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestRead(t *testing.T) {
	usual := len(Default().all)
	for _, l := range Default().all {
		if strings.Contains(l.zone, "key") || strings.HasPrefix(l.Name, "Spamhaus") {
			t.Errorf("%s has no key", l.Name)
		}
	}
	all := lists(t, "[[list]]\nname = \"Spamhaus ZEN\"\nkey = \"abc\"\n[[list]]\nname = \"SpamCop\"\noff = true\n[[list]]\nname = \"PSBL\"\ndrains = true\n")
	if n := len(all.all); n != usual {
		t.Errorf("%d lists, want %d", n, usual)
	}
	if l := named(t, all, "Spamhaus ZEN"); l.zone != "abc.zen.dq.spamhaus.net" || !l.Drains {
		t.Errorf("%+v", l)
	}
	if !named(t, all, "PSBL").Drains || named(t, Default(), "PSBL").Drains {
		t.Error("drains is not taken over, or taken over for all")
	}
	for text, want := range map[string]string{
		"[[list]]\nzone = \"l.test\"\nof = \"address\"":                                         "line 1: name \"\"",
		"[[list]]\nname = \"A\"\nzone = \"l.test\"\nof = \"addres\"":                            "line 1: A: of \"addres\"",
		"\n[[list]]\nname = \"A\"\nof = \"address\"":                                            "line 2: A: zone \"\"",
		"[[list]]\nname = \"A\"\nzone = \"l.test\"\nof = \"address\"\nanswers = [\"10.0.0.1\"]": "can never match",
		"[[list]]\nname = \"A\"\nzone = \"l.test\"\nof = \"address\"\nkey = \"x\"":              "has no {key}",
		"[[list]]\nname = \"A\"\nzone = \"l.test\"\nof = \"address\"\nkeys = 1":                 "unknown key \"list.keys\"",
		"[[list]]\nname = \"A\"\nzone = \"l.test\"\nof = \"address\"\n[[list]]\nname = \"A\"":   "line 5: name \"A\"",
		"[[list]]\nname = \"A\"\nzone = \"l.test\"\nof = \"address\"\nlookup = \"no\"":          "lookup \"no\"",
		"[[list]]\nname = \"A\"\nzone = \"{key}.l.test\"\nof = \"address\"\nkey = \"a.b\"":      "letters, digits",
	} {
		if _, err := Read("own.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestPublic(t *testing.T) {
	for servers, want := range map[string]string{
		"8.8.8.8:53": "Google", "127.0.0.1:53 1.1.1.1": "Cloudflare", "[2620:fe::fe]:53": "Quad9",
		"192.0.2.1:53": "", "resolver.example:53": "", "": "",
	} {
		if got := Public(strings.Fields(servers)); got != want {
			t.Errorf("Public(%s) = %q, want %q", servers, got, want)
		}
	}
}
