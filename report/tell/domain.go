package tell

import (
	"fmt"
	"slices"
	"strings"

	"relay/store/signing"
)

// domain is what a domain has lost, and the lines of its zone that bring it back.
func (w *Writer) domain(d *signing.Domain, reason string) (v Domain) {
	lost := strings.Fields(reason)
	v.SPF, v.DKIM, v.Missing = slices.Contains(lost, signing.LostSPF), slices.Contains(lost, signing.LostDKIM), strings.ToUpper(strings.Join(lost, ", "))
	if v.DKIM {
		for _, s := range w.Selectors {
			if !d.Delegated(s) {
				v.Records = append(v.Records, fmt.Sprintf("%s. CNAME %s.", d.Alias(s), d.Target(s, w.SigningZone)))
			}
		}
	}
	if v.SPF {
		v.Records = append(v.Records, fmt.Sprintf("%s. TXT \"v=spf1 include:%s ~all\"", d.Name, w.Host))
	}
	return v
}
