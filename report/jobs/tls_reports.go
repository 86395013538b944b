package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/report/letter"
	"relay/report/tlsreport"
	"relay/store/sites"
	"relay/store/spool"
	"relay/store/spooled"
)

// Reports is where and how domains are told of TLS (RFC 8460).
type Reports struct {
	Host    string
	Contact string        // for questions, in the report
	Expire  time.Duration // how long a mail is tried

	// To returns where a domain wants its reports, mailto: and https: addresses; none: it
	// wants none. Post hands a report to an https: address. nil: there are no reports.
	To   func(ctx context.Context, domain string) ([]string, error)
	Post func(ctx context.Context, url string, report []byte) error
}

// Reporting is what tls-reports did. A domain that asks for them gets one report a day. A
// mail is queued in the transaction that forgets the day. Where a report goes to a web
// server only, a crash after it was handed over sends it once more, with the same number.
type Reporting struct {
	Job     string   `json:"job"`
	Reports int      `json:"reports"`  // that were queued or handed over
	NotSent int      `json:"not_sent"` // days whose domains want no report any more, or that could not be reported for a week
	Failed  []string `json:"not_now"`  // domains that could not be told, and why; it is tried again
	MS      int64    `json:"ms"`
}

// Failures implements Result.
func (*Reporting) Failures() []Failure { return nil }

// mostMissed is how often a day is tried, once a day.
const mostMissed = 7

// runTLSReports is the scheduled tls-reports.
func (r *Runner) runTLSReports(ctx context.Context) error {
	v, err := r.TLSReports(ctx)
	if err == nil && v.Reports > 0 {
		r.log.Info("reports on tls sent", "reports", v.Reports, "failed", len(v.Failed), "ms", v.MS)
	}
	return err
}

// TLSReports reports the days that are over, in UTC.
func (r *Runner) TLSReports(ctx context.Context) (*Reporting, error) {
	start, at := time.Now(), r.store.Past()
	v := &Reporting{Job: "tls-reports", Failed: []string{}}
	to := r.config().Reports
	var after *sites.TLSDay
	for to.To != nil {
		list, err := r.store.Sites.TLSDays(at, after, 100)
		if err != nil {
			return v, err
		}
		for i := range list {
			if err := ctx.Err(); err != nil {
				return v, err
			}
			if err := r.reportTLS(ctx, &to, &list[i], v); err != nil {
				return v, err
			}
			after = &list[i]
		}
		if len(list) < 100 {
			break
		}
	}
	v.MS = time.Since(start).Milliseconds()
	return v, r.did(TLSReports, r.store.Now())
}

// reportTLS reports one day of one domain. Its error is one of the store; what is wrong with
// the domain is in v.
func (r *Runner) reportTLS(ctx context.Context, to *Reports, d *sites.TLSDay, v *Reporting) error {
	where, err := to.To(ctx, d.Domain)
	if err == nil && len(where) == 0 {
		v.NotSent++
		return r.store.Sites.DropTLSDay(d)
	}
	if err == nil {
		var sent bool
		sent, err = r.sendTLSReport(ctx, to, where, d)
		if sent {
			v.Reports++
			return err
		}
	}
	v.Failed = append(v.Failed, fmt.Sprintf("%s, %s: %v", d.Domain, d.Day, err))
	if d.Tried+1 >= mostMissed {
		v.NotSent++
		return r.store.Sites.DropTLSDay(d)
	}
	return r.store.Sites.MissTLSDay(d)
}

// mostTargets of a record get a report: strangers write it, and a slow web server takes half
// a minute.
const mostTargets = 10

// sendTLSReport hands a report to all web servers that it is for, and queues it for all
// addresses. One of them is enough.
func (r *Runner) sendTLSReport(ctx context.Context, to *Reports, where []string, d *sites.TLSDay) (sent bool, err error) {
	report := &tlsreport.Report{Host: to.Host, Contact: to.Contact, Day: d}
	var people []spooled.Recipient
	var names []string
	for _, target := range where[:min(len(where), mostTargets)] {
		if address, ok := cutScheme(target, "mailto:"); ok {
			if a, domain, ok := letter.Recipient(address); ok && !slices.Contains(names, a) {
				people, names = append(people, spooled.Recipient{Address: a, Domain: domain}), append(names, a)
			}
			continue
		}
		text, failed := report.JSON()
		if failed == nil {
			failed = to.Post(ctx, target, text)
		}
		sent, err = sent || failed == nil, errors.Join(err, failed)
	}
	if len(people) == 0 {
		if !sent {
			return false, errors.Join(err, errors.New("there is no address that a report can go to"))
		}
		return true, r.store.Sites.DropTLSDay(d)
	}
	_, _, err = r.store.Spool.ReportTLSDay(d, func(now *sites.TLSDay, id spooled.ID) (spool.Notice, error) {
		report.Day = now
		at := r.store.Now().UTC()
		content, messageID, err := report.Mail(names, id.String(), at)
		return spool.Notice{Body: content, Message: spooled.Message{Expires: at.Add(to.Expire), MessageID: messageID, NoTLSTerms: true, Recipients: people}}, err
	})
	return err == nil, err
}

// cutScheme removes a scheme from an address, and what may follow that.
func cutScheme(s, scheme string) (rest string, ok bool) {
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return "", false
	}
	rest, _, _ = strings.Cut(s[len(scheme):], "?")
	rest, _, _ = strings.Cut(rest, "!") // a size, as DMARC has it
	return rest, true
}
