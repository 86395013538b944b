package policy

import (
	"context"
	"strings"
)

// ReportTo are the addresses in the record of a domain that wants reports on TLS, mailto:
// and https: (RFC 8460 §3). None: it wants none.
func ReportTo(texts []string) (list []string) {
	n := 0
	for _, text := range texts {
		rest, ok := strings.CutPrefix(text, "v=TLSRPTv1")
		rest = strings.TrimLeft(rest, " \t")
		if !ok || !strings.HasPrefix(rest, ";") {
			continue
		}
		n++
		for field := range strings.SplitSeq(rest, ";") {
			key, value, _ := strings.Cut(field, "=")
			if strings.TrimSpace(key) != "rua" {
				continue
			}
			for to := range strings.SplitSeq(value, ",") {
				if to = strings.TrimSpace(to); hasScheme(to, "mailto:") || hasScheme(to, "https:") {
					list = append(list, to)
				}
			}
		}
	}
	if n != 1 {
		return nil // RFC 8460 §3: as if there were none
	}
	return list
}

func hasScheme(s, scheme string) bool {
	return len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

// ReportName is where a domain says where its reports go.
func ReportName(domain string) string { return "_smtp._tls." + domain }

// wantsReports looks whether a domain wants reports.
func (b *Book) wantsReports(ctx context.Context, domain string) bool {
	texts, err := b.cfg.Names.LookupTXT(ctx, ReportName(domain))
	return err == nil && len(ReportTo(texts)) > 0
}

// remember keeps the terms of a domain that wants reports, for Reported.
func (b *Book) remember(t *Terms) *Terms {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !t.told {
		delete(b.asks, t.Domain)
	} else {
		if len(b.asks) >= maxAsks {
			clear(b.asks)
		}
		b.asks[t.Domain] = t
	}
	b.asked.Store(int32(len(b.asks)))
	return t
}

// Reported returns the terms of a domain that wanted reports when they were looked up
// last; nil: it did not.
func (b *Book) Reported(domain string) *Terms {
	if b.asked.Load() == 0 {
		return nil // nearly always
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asks[domain]
}
