package zonefile

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestText(t *testing.T) {
	for _, s := range []string{"", "v=spf1 -all", `a "b" \c`, strings.Repeat("x", 255), strings.Repeat("y", 256), strings.Repeat("0123456789", 60)} {
		rr, err := dns.NewRR("a.example. 60 IN TXT " + strings.ReplaceAll(Text(s), "\n", " "))
		if err != nil {
			t.Errorf("%d octets: %v", len(s), err)
			continue
		}
		var got strings.Builder
		for _, part := range rr.(*dns.TXT).Txt {
			if len(part) > longestString {
				t.Errorf("a string of %d octets", len(part))
			}
			got.WriteString(strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(part))
		}
		if got.String() != s {
			t.Errorf("%q came back as %q", s, got.String())
		}
	}
}
