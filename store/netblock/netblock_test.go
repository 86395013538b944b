package netblock

import "testing"

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "192.0.2.7/24": "192.0.2.0/24", "10.0.0.0/8": "10.0.0.0/8",
		"2001:db8::1": "2001:db8::1/128", "2001:db8::/32": "2001:db8::/32", "::ffff:192.0.2.0/120": "192.0.2.0/24",
	} {
		if p, err := Parse(in); err != nil || p.String() != want {
			t.Errorf("Parse(%q) = %v, %v, want %s", in, p, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                  `"" is not a network such as 192.0.2.0/28`,
		"192.0.2.0/33":      `"192.0.2.0/33" is not a network such as 192.0.2.0/28`,
		"fe80::1%eth0":      `"fe80::1%eth0" is not a network such as 192.0.2.0/28`,
		"::ffff:10.0.0.0/8": `"::ffff:10.0.0.0/8": write it as an IPv4 network`,
		"0.0.0.0/0":         "network 0.0.0.0/0 is too wide, at least /8: it would let anybody send",
		"::/0":              "network ::/0 is too wide, at least /32: it would let anybody send",
	} {
		if p, err := Parse(in); err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %v, %v, want %s", in, p, err, want)
		}
	}
}
