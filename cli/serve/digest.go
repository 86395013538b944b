package serve

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"relay/report/digest"
	"relay/report/tell"
)

// digestTakes is how long the digest may take to read how the relay stands.
const digestTakes = 5 * time.Minute

// digest reads how the relay stands, for its operator.
func (r *Relay) digest() (*tell.Digest, error) {
	ctx, cancel := context.WithTimeout(context.Background(), digestTakes)
	defer cancel()
	c := r.config()
	return digest.Collect(ctx, r.store, digest.Options{Near: c.Report.Near, Abuse: *c.Abuse.Rules(), Backup: c.Backup.Schedule, Jobs: r.jobs().States, Host: r.digestHost})
}

// digestHost is what health and delivery sites show too.
func (r *Relay) digestHost(ctx context.Context) (h digest.Host) {
	health := r.health(ctx)
	h.Unwell, h.Sources = health.Unwell(), health.Sources
	if c := health.Certificate; c != nil && c.Worry(time.Now()) {
		h.Certificate = tell.Certificate{Ends: c.Ends, Days: int64(time.Until(c.Ends) / (24 * time.Hour)), Problem: c.Problem}
	}
	if r.returns != nil {
		h.Refused = r.returns.NotPassedOn()
	}
	sites, err := deliveries{r.mail}.AllSites(ctx)
	if err != nil && h.Unwell == "" {
		h.Unwell = err.Error()
	}
	for i := range sites {
		switch s := &sites[i]; {
		case s.Suspended != nil:
			h.Sites = append(h.Sites, tell.Site{Name: s.Name, Until: *s.Suspended, Why: s.SlowedBy})
		case s.SlowedSince != nil:
			h.Sites = append(h.Sites, tell.Site{Name: s.Name, Why: s.SlowedBy})
		}
	}
	h.Free, h.Disk = r.disk()
	return h
}

// disk is what the disk that the store is on has free, of which size; 0, 0: it is not known.
func (r *Relay) disk() (free, size int64) {
	var fs unix.Statfs_t
	if err := unix.Statfs(string(r.dir), &fs); err != nil {
		return 0, 0
	}
	return int64(fs.Bavail) * int64(fs.Bsize), int64(fs.Blocks) * int64(fs.Bsize)
}
