package trial

import "testing"

// What is not given stays empty: the visit has its own defaults.
func TestOutside_options(t *testing.T) {
	for _, x := range []struct{ login, to, from, wantTo, wantFrom string }{
		{"acme", "", "", "", ""},
		{"acme", "you@Example.net", "", "you@example.net", ""},
		{"acme", "you@example.net", "me@example.org", "you@example.net", "me@example.org"},
		{"me@example.org", "", "", "me@example.org", ""},
	} {
		v, err := (&outside{server: "smtp.example.org", login: x.login}).options(x.from, x.to)
		if err != nil || v.To != x.wantTo || v.From != x.wantFrom {
			t.Errorf("login %q, to %q, from %q: to %q, from %q, %v", x.login, x.to, x.from, v.To, v.From, err)
		}
	}
}
