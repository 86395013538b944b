package hostname

import "testing"

func TestOrganization(t *testing.T) {
	for host, want := range map[string]string{"smtp.example.org": "example.org", "a.b.example.co.uk": "example.co.uk", "example.org": "example.org", "relay.test": "relay.test"} {
		if got := Organization(host); got != want {
			t.Errorf("Organization(%s) = %s, want %s", host, got, want)
		}
	}
}

func TestFull(t *testing.T) {
	for host, want := range map[string]bool{"smtp.example.org": true, "localhost": false, "192.0.2.1": false, "2001:db8::1": false, "a b.c": false, "-x.org": false, "": false} {
		if got := Full(host); got != want {
			t.Errorf("Full(%q) = %v", host, got)
		}
	}
}
