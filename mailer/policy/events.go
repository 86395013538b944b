package policy

import (
	"log/slog"
	"strconv"
	"time"

	"relay/store/sites"
)

func tlsaName(port int, base string) string { return "_" + strconv.Itoa(port) + "._tcp." + base }

func (b *Book) logFetched(p *sites.TLSPolicy) {
	b.log.Info("mta-sts policy fetched", "domain", p.Domain, "mode", p.Mode, "mx", p.MX, "max_age", time.Duration(p.MaxAge)*time.Second, "id", p.ID)
}

func (b *Book) logNotFetched(domain string, err error) {
	b.often.Often(slog.LevelWarn, domain, "mta-sts policy not fetched", slog.String("domain", domain), slog.Any("err", err))
}

func (b *Book) logStore(err error) {
	b.often.Often(slog.LevelError, "", "mta-sts policies cannot be stored or read", slog.Any("err", err))
}
