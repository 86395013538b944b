package smtp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// Wrong tokens and wrong passwords of an address count together, and the ban is
// for both; the same wrong token again counts once.
func TestServer_WrongToken(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerAddress: 3, BanTime: time.Hour}
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		from := netip.MustParseAddr("2001:db8::1")
		for i, want := range []time.Duration{500 * time.Millisecond, 500 * time.Millisecond, time.Second} {
			begin := time.Now()
			f.srv.WrongToken(from, fmt.Sprint("guess ", max(1, i)))
			if d := time.Since(begin); d != want {
				t.Errorf("wrong token %d is answered after %v, want %v", i, d, want)
			}
		}
		if until := f.srv.Banned(from); !until.IsZero() {
			t.Fatalf("two different ones ban it until %v", until)
		}
		f.wantLogin("2001:db8::2", "acme", "x", "535 ")
		if until := f.srv.Banned(from); time.Until(until) < 59*time.Minute {
			t.Errorf("banned until %v", until)
		}
		f.wantLogin("2001:db8::3", "acme", goodSecret, "421 4.7.0 too many failed logins")
		if b := f.srv.Guard().Bans(); len(b) != 1 || b[0].Network.String() != "2001:db8::/64" || b[0].Failed != 3 {
			t.Errorf("bans %+v", b)
		}
		if !f.srv.Guard().LiftBan(from) || !f.srv.Banned(from).IsZero() {
			t.Error("the ban is not lifted")
		}
	})
}

// Nobody is banned for what comes from this machine or through a proxy.
func TestServer_WrongTokenExempt(t *testing.T) {
	cfg := Config{FailedLoginsPerAddress: 1, Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		for _, text := range []string{"127.0.0.1", "::1", "192.0.2.7"} {
			from := netip.MustParseAddr(text)
			f.srv.WrongToken(from, "a")
			if !f.srv.Exempt(from) || !f.srv.Banned(from).IsZero() || f.srv.Guard().Bans() != nil {
				t.Errorf("%s is banned", from)
			}
		}
		other := netip.MustParseAddr("198.51.100.1")
		f.srv.WrongToken(other, "a")
		if f.srv.Exempt(other) || f.srv.Banned(other).IsZero() {
			t.Errorf("%s is not banned", other)
		}
	})
}
