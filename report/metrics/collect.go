package metrics

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"relay/store"
	"relay/store/meter"
	"relay/store/returns"
)

// collector implements prometheus.Collector.
type collector struct{ r *Relay }

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range families {
		to <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	s := scrape{to}
	s.value(build, 1, c.r.Version)
	s.intake(c.r.Intake())
	if b := c.r.Back(); b != nil {
		s.counts(backMessages, b.Messages)
		s.counts(backRefusals, b.Refusals)
		s.count(backConnections, int64(b.Connections))
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	s.delivery(c.r.Delivery(ctx))
	for _, part := range []struct {
		of  *family
		run func() error
	}{
		{queueMessages, func() error { return s.queue(c.r.Store) }},
		{jobDone, func() error { return s.jobs(c.r) }},
	} {
		if err := part.run(); err != nil {
			to <- prometheus.NewInvalidMetric(part.of.desc, err)
		}
	}
	s.store(c.r.Store)
	s.returns(c.r.Store)
	if free, size := c.r.Disk(); size > 0 {
		s.value(diskFree, float64(free))
		s.value(diskSize, float64(size))
	}
	if at := c.r.Certificate(); !at.IsZero() {
		s.value(certificate, seconds(at))
	}
}

// scrape writes metrics.
type scrape struct{ to chan<- prometheus.Metric }

func (s scrape) value(f *family, v float64, labels ...string) {
	kind := prometheus.GaugeValue
	if f.kind == counter {
		kind = prometheus.CounterValue
	}
	s.to <- prometheus.MustNewConstMetric(f.desc, kind, v, labels...)
}

func (s scrape) count(f *family, n int64, labels ...string) { s.value(f, float64(n), labels...) }

// counts has one label.
func (s scrape) counts(f *family, of map[string]int64) {
	for label, n := range of {
		s.count(f, n, label)
	}
}

func (s scrape) flag(f *family, is bool, labels ...string) {
	v := 0.0
	if is {
		v = 1
	}
	s.value(f, v, labels...)
}

// histogram shows a shape, whose values are so many to one unit.
func (s scrape) histogram(f *family, h meter.Shape, unit float64) {
	within := make(map[float64]uint64, len(h.Bounds))
	for i, b := range h.Bounds {
		within[float64(b)/unit] = h.Within[i]
	}
	s.to <- prometheus.MustNewConstHistogram(f.desc, h.Count, float64(h.Sum)/unit, within)
}

func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

func (s scrape) intake(in Intake) {
	s.count(intakeMessages, in.Messages)
	s.count(intakeRecipients, in.Recipients)
	s.count(intakeBytes, in.Octets)
	s.counts(refusals, in.Refusals)
	s.count(connections, int64(in.Connections))
	s.count(connectionsLimit, int64(in.Limit))
	s.count(loginsWaiting, int64(in.Waiting))
}

// noHost is the provider of mail that was given up without an attempt.
const noHost = "none"

func (s scrape) delivery(d Delivery) {
	sums := map[[2]string]int64{}
	for _, o := range d.Outcomes {
		sums[[2]string{o.State, cmp.Or(o.Provider, noHost)}] += o.Count
	}
	for k, n := range sums {
		s.count(attempts, n, k[0], k[1])
	}
	s.histogram(latency, d.Latency, float64(time.Second))
	s.flag(scheduleUp, d.Load != nil)
	if l := d.Load; l != nil {
		s.count(hops, int64(l.Connections))
		s.count(hopsLimit, int64(l.Limit))
		s.count(hopsWaiting, int64(l.Waiting))
		s.count(lanes, int64(l.Lanes))
		s.count(sites, int64(l.Open), "open")
		s.count(sites, int64(l.Down), "down")
		s.count(sites, int64(l.Stopped), "stopped")
	}
}

// ages of relay_queue_messages.
var (
	ageBounds = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}
	ageNames  = []string{"10m", "1h", "6h", "24h", "72h", "more"}
)

func (s scrape) queue(st *store.Store) error {
	sum, err := st.Spool.Totals()
	if err != nil {
		return err
	}
	counts, oldest, err := st.Spool.Ages(ageBounds...)
	if err != nil {
		return err
	}
	for i, n := range counts {
		s.count(queueMessages, n, ageNames[i])
	}
	s.count(queueRecipients, sum.Recipients)
	s.count(queueBytes, sum.Bytes)
	age := 0.0
	if !oldest.IsZero() {
		age = max(0, st.Now().Sub(oldest).Seconds())
	}
	s.value(queueOldest, age)
	return nil
}

func (s scrape) store(st *store.Store) {
	m := st.Meters()
	s.histogram(commit, m.Took, float64(time.Second))
	s.histogram(commitBatch, m.Batch, 1)
	s.count(commitReruns, m.Reruns)
	s.count(commitWaiting, int64(m.Waiting))
	file, free := st.Size()
	s.count(storeFile, file)
	s.count(storeFree, free)
	s.flag(storeFailed, st.Err() != nil)
	s.flag(clockStands, st.Hold() != nil)
}

func (s scrape) returns(st *store.Store) {
	st.Returns.Count(func(kind returns.Kind, why returns.Why, n int64) {
		effect := "counted"
		if why != "" {
			effect = string(why)
		}
		s.count(cameBack, n, string(kind), effect)
	})
}

func (s scrape) jobs(r *Relay) error {
	list, err := r.Jobs()
	for i := range list {
		j := &list[i]
		name := strings.ReplaceAll(j.Job, " ", "-")
		if j.Done != nil {
			s.value(jobDone, seconds(*j.Done), name)
		}
		s.value(jobNext, seconds(j.Next), name)
		s.flag(jobFailed, j.Error != "", name)
	}
	return err
}
