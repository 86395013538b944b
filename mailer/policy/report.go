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

// wantsReports notes whether a domain wants reports.
func (b *Book) wantsReports(ctx context.Context, domain string) {
	texts, err := b.cfg.Names.LookupTXT(ctx, ReportName(domain))
	wants := err == nil && len(ReportTo(texts)) > 0
	b.mu.Lock()
	defer b.mu.Unlock()
	if !wants {
		delete(b.asks, domain)
		return
	}
	if len(b.asks) >= maxAsks {
		clear(b.asks)
	}
	b.asks[domain] = true
}

// Asks reports whether a domain wanted reports when its terms were looked up last.
func (b *Book) Asks(domain string) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asks[domain]
}
