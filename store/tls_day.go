package store

import (
	"bytes"
	"slices"
	"time"
)

// TLSDay is how TLS with the hosts of a domain went on a day, for the report that the
// domain asked for (RFC 8460). Bucket "tls-days", key day NUL domain, JSON. It is counted in
// the transaction that stores what came of the attempt, and removed in the one that
// queues its report: a day is reported once, whatever is killed.
type TLSDay struct {
	Day    string     `json:"day"` // UTC, YYYY-MM-DD
	Domain string     `json:"domain"`
	Tried  int        `json:"tried,omitempty"` // times that it could not be reported
	Sums   []TLSTally `json:"sums"`
}

// TLSTally counts the connections under one policy.
type TLSTally struct {
	Type     string       `json:"type"`             // sts, tlsa, no-policy-found
	Policy   []string     `json:"policy,omitempty"` // its lines, or records
	MX       []string     `json:"mx,omitempty"`     // patterns of a policy of MTA-STS
	Good     int64        `json:"good"`
	Bad      int64        `json:"bad"`
	Failures []TLSFailure `json:"failures,omitempty"`
}

// TLSFailure counts the connections of a kind that failed.
type TLSFailure struct {
	Result string `json:"result"` // RFC 8460 §4.3
	From   string `json:"from,omitempty"`
	Host   string `json:"host,omitempty"`
	IP     string `json:"ip,omitempty"`
	Why    string `json:"why,omitempty"`
	Count  int64  `json:"count"`
}

// TLSCount is one connection for a domain. The failure has no Count.
type TLSCount struct {
	Domain string
	Type   string
	Policy []string
	MX     []string
	TLSFailure
}

// Most policies and kinds of failures of a day that are told apart; more are counted in sums
// only. The day is written anew with each connection, so it stays small.
const (
	mostTallies  = 20
	mostFailures = 100
)

const tlsDayLayout = time.DateOnly

// countTLS adds connections to the day's counts.
func (t *tx) countTLS(list []TLSCount) error {
	for i := range list {
		c := &list[i]
		d := TLSDay{Day: t.wall.UTC().Format(tlsDayLayout), Domain: c.Domain}
		key := pairKey(d.Day, d.Domain)
		if _, err := t.get(tlsDays, key, &d); err != nil {
			return err
		}
		d.count(c)
		if err := t.put(tlsDays, key, d); err != nil {
			return err
		}
	}
	return nil
}

func (d *TLSDay) count(c *TLSCount) {
	i := slices.IndexFunc(d.Sums, func(s TLSTally) bool {
		return s.Type == c.Type && slices.Equal(s.Policy, c.Policy) && slices.Equal(s.MX, c.MX)
	})
	if i < 0 {
		if len(d.Sums) >= mostTallies {
			return
		}
		i = len(d.Sums)
		d.Sums = append(d.Sums, TLSTally{Type: c.Type, Policy: c.Policy, MX: c.MX})
	}
	s := &d.Sums[i]
	if c.Result == "" {
		s.Good++
		return
	}
	s.Bad++
	f := c.TLSFailure
	k := slices.IndexFunc(s.Failures, func(o TLSFailure) bool { o.Count = 0; return o == f })
	if k >= 0 {
		s.Failures[k].Count++
	} else if d.kinds() < mostFailures {
		f.Count = 1
		s.Failures = append(s.Failures, f)
	}
}

// kinds is how many kinds of failures are told apart.
func (d *TLSDay) kinds() (n int) {
	for i := range d.Sums {
		n += len(d.Sums[i].Failures)
	}
	return n
}

// TLSDays returns the days before one that are not reported yet, in their order, up to
// limit of those that come after another one; nil: from the first.
func (s *Store) TLSDays(before time.Time, after *TLSDay, limit int) (list []TLSDay, err error) {
	var from []byte
	if after != nil {
		from = append(pairKey(after.Day, after.Domain), 0)
	}
	end := []byte(before.UTC().Format(tlsDayLayout))
	err = s.view(func(t *tx) error {
		c := t.b.Cursor(tlsDays)
		for k, raw := c.Seek(from); k != nil && len(list) < limit && bytes.Compare(k, end) < 0; k, raw = c.Next() {
			var d TLSDay
			if err := decode("tls-days", k, raw, &d); err != nil {
				return err
			}
			list = append(list, d)
		}
		return nil
	})
	return list, err
}

// DropTLSDay forgets a day that nobody wants a report of, or whose report was handed over.
func (s *Store) DropTLSDay(d *TLSDay) error {
	return s.update(0, func(t *tx) error { return t.b.Delete(tlsDays, pairKey(d.Day, d.Domain)) })
}

// MissTLSDay notes that a day could not be reported.
func (s *Store) MissTLSDay(d *TLSDay) error {
	return s.update(0, func(t *tx) error {
		key, now := pairKey(d.Day, d.Domain), TLSDay{}
		if found, err := t.get(tlsDays, key, &now); err != nil || !found {
			return err
		}
		now.Tried++
		return t.put(tlsDays, key, now)
	})
}

// ReportTLSDay queues the report of a day that is over, and forgets the day, in one
// transaction. write makes the mail, which will have that ID. It reports false when the day
// was reported before.
func (s *Store) ReportTLSDay(d *TLSDay, write func(*TLSDay, ID) (Notice, error)) (id ID, ok bool, err error) {
	err = s.updateThen(4096, func(t *tx) error {
		key, now := pairKey(d.Day, d.Domain), TLSDay{}
		if ok, err = t.get(tlsDays, key, &now); err != nil || !ok {
			return err
		}
		id = t.s.ids.next(t.wall)
		n, err := write(&now, id)
		if err != nil {
			return err
		}
		m := n.Message
		m.ID, m.Own = id, NoteTLSReport
		lanes, err := t.enqueueOwn(&m, n.Body)
		if err != nil {
			return err
		}
		t.then.lanes = append(t.then.lanes, lanes...)
		return t.b.Delete(tlsDays, key)
	})
	return id, ok && err == nil, err
}
