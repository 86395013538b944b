package sites

import (
	"bytes"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// TLSDay is how TLS with the hosts of a domain went on a day, for the report that the
// domain asked for (RFC 8460). Bucket "tls-days", key day NUL domain, JSON. The transaction
// that stores what came of an attempt counts its connections, and the one that queues the
// report removes the day: each day is reported once, after a crash too.
type TLSDay struct {
	Day    string     `json:"day"` // UTC, YYYY-MM-DD
	Domain string     `json:"domain"`
	Tried  int        `json:"tried,omitempty"` // times that reporting it failed
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

// How many policies and kinds of failures of a day are told apart. Of more failures only the
// sum is counted, and connections under more policies are not counted. The day is written
// anew with each connection, so it must stay small.
const (
	mostTallies  = 20
	mostFailures = 100
)

const tlsDayLayout = time.DateOnly

// CountTLS adds connections to the counts of this day.
func (s *Sites) CountTLS(t *room.Tx, list []TLSCount) error {
	for i := range list {
		c := &list[i]
		d := TLSDay{Day: t.Wall.UTC().Format(tlsDayLayout), Domain: c.Domain}
		key := room.Pair(d.Day, d.Domain)
		if _, err := t.Read(bucket.TLSDays, key, &d); err != nil {
			return err
		}
		d.count(c)
		if err := t.Write(bucket.TLSDays, key, d); err != nil {
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

// kinds is how many kinds of failures the day tells apart.
func (d *TLSDay) kinds() (n int) {
	for i := range d.Sums {
		n += len(d.Sums[i].Failures)
	}
	return n
}

// TLSDays returns up to limit days that are not reported yet and lie before an instant's, in
// their order, beginning behind after; nil: with the first.
func (s *Sites) TLSDays(before time.Time, after *TLSDay, limit int) (list []TLSDay, err error) {
	var from []byte
	if after != nil {
		from = append(room.Pair(after.Day, after.Domain), 0)
	}
	end := []byte(before.UTC().Format(tlsDayLayout))
	err = s.db.View(func(t room.Tx) error {
		c := t.Cursor(bucket.TLSDays)
		for k, raw := c.Seek(from); k != nil && len(list) < limit && bytes.Compare(k, end) < 0; k, raw = c.Next() {
			var d TLSDay
			if err := room.Decode(bucket.TLSDays, k, raw, &d); err != nil {
				return err
			}
			list = append(list, d)
		}
		return nil
	})
	return list, err
}

// DropTLSDay removes a day of which nobody wants a report, or whose report was handed over.
func (s *Sites) DropTLSDay(d *TLSDay) error {
	return s.db.Update(0, func(t room.Tx) error { return t.Delete(bucket.TLSDays, room.Pair(d.Day, d.Domain)) })
}

// MissTLSDay notes that reporting a day failed.
func (s *Sites) MissTLSDay(d *TLSDay) error {
	return s.db.Update(0, func(t room.Tx) error {
		key, now := room.Pair(d.Day, d.Domain), TLSDay{}
		if found, err := t.Read(bucket.TLSDays, key, &now); err != nil || !found {
			return err
		}
		now.Tried++
		return t.Write(bucket.TLSDays, key, now)
	})
}

// ReportTLSDay has queue store the report of a day that is over, and removes the day, within a
// transaction. queue gets the day as it is stored now. It reports false, and does nothing, if
// the day was reported before.
func (s *Sites) ReportTLSDay(t *room.Tx, d *TLSDay, queue func(*TLSDay) error) (bool, error) {
	key, now := room.Pair(d.Day, d.Domain), TLSDay{}
	if ok, err := t.Read(bucket.TLSDays, key, &now); err != nil || !ok {
		return false, err
	}
	if err := queue(&now); err != nil {
		return false, err
	}
	return true, t.Delete(bucket.TLSDays, key)
}
