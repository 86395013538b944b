// Package tlsreport makes the daily report on TLS that a domain asks for (RFC 8460): its
// JSON, compressed, and the mail that carries it.
package tlsreport

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"relay/store/sites"
)

// Report is about one domain on one day.
type Report struct {
	Host    string // ours, that sent the mail
	Contact string // address for questions
	Day     *sites.TLSDay
}

// ID tells the report from others; a receiver that gets it twice sees that.
func (r *Report) ID() string {
	return strings.ReplaceAll(r.Day.Day, "-", "") + "." + r.Day.Domain + "@" + r.Host
}

type document struct {
	Organization string    `json:"organization-name"`
	Range        dateRange `json:"date-range"`
	Contact      string    `json:"contact-info"`
	ID           string    `json:"report-id"`
	Policies     []result  `json:"policies"`
}

type dateRange struct {
	Start time.Time `json:"start-datetime"`
	End   time.Time `json:"end-datetime"`
}

type result struct {
	Policy   policy    `json:"policy"`
	Summary  summary   `json:"summary"`
	Failures []failure `json:"failure-details,omitempty"`
}

type policy struct {
	Type   string   `json:"policy-type"`
	String []string `json:"policy-string,omitempty"`
	Domain string   `json:"policy-domain"`
	MX     []string `json:"mx-host,omitempty"`
}

type summary struct {
	Good int64 `json:"total-successful-session-count"`
	Bad  int64 `json:"total-failure-session-count"`
}

type failure struct {
	Result string `json:"result-type"`
	From   string `json:"sending-mta-ip,omitempty"`
	Host   string `json:"receiving-mx-hostname,omitempty"`
	IP     string `json:"receiving-ip,omitempty"`
	Count  int64  `json:"failed-session-count"`
	Why    string `json:"failure-reason-code,omitempty"`
}

// day returns its first and last second.
func (r *Report) day() (start, end time.Time, err error) {
	start, err = time.Parse(time.DateOnly, r.Day.Day)
	return start, start.Add(24*time.Hour - time.Second), err
}

// JSON is the report itself (RFC 8460 §4.4), compressed.
func (r *Report) JSON() ([]byte, error) {
	start, end, err := r.day()
	if err != nil {
		return nil, err
	}
	d := document{r.Host, dateRange{start, end}, r.Contact, r.ID(), []result{}}
	for _, s := range r.Day.Sums {
		one := result{Policy: policy{s.Type, s.Policy, r.Day.Domain, s.MX}, Summary: summary{s.Good, s.Bad}}
		for _, f := range s.Failures {
			one.Failures = append(one.Failures, failure{f.Result, f.From, f.Host, f.IP, f.Count, f.Why})
		}
		d.Policies = append(d.Policies, one)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// File is the name of the attachment (RFC 8460 §5.1).
func (r *Report) File() string {
	start, end, _ := r.day()
	return fmt.Sprintf("%s!%s!%d!%d.json.gz", r.Host, r.Day.Domain, start.Unix(), end.Unix())
}

// Mail is the message that carries the report to addresses (RFC 8460 §5.3), with its
// Message-ID. id makes that, and is unique at Host.
func (r *Report) Mail(to []string, id string, now time.Time) (content []byte, messageID string, err error) {
	zipped, err := r.JSON()
	if err != nil {
		return nil, "", err
	}
	messageID = "<" + id + "@" + r.Host + ">"
	boundary := "=_" + id
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("From: <postmaster@%s>", r.Host)
	line("To: <%s>", strings.Join(to, ">,\r\n <"))
	line("Subject: Report Domain: %s\r\n Submitter: %s\r\n Report-ID: <%s>", r.Day.Domain, r.Host, r.ID())
	line("Date: %s", now.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	line("Message-ID: %s", messageID)
	line("TLS-Report-Domain: %s", r.Day.Domain)
	line("TLS-Report-Submitter: %s", r.Host)
	line("TLS-Required: No") // it may tell of the very TLS that keeps it away
	line("Auto-Submitted: auto-generated")
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"%s\"", boundary)
	line("\r\n--%s", boundary)
	line("Content-Type: text/plain; charset=us-ascii\r\n")
	line("This is the report on TLS of mail from %s\r\nto the hosts of %s on %s (UTC), as RFC 8460 has it.", r.Host, r.Day.Domain, r.Day.Day)
	line("\r\n--%s", boundary)
	line("Content-Type: application/tlsrpt+gzip")
	line("Content-Transfer-Encoding: base64")
	line("Content-Disposition: attachment;\r\n filename=\"%s\"\r\n", r.File())
	text := base64.StdEncoding.EncodeToString(zipped)
	for len(text) > 76 {
		line("%s", text[:76])
		text = text[76:]
	}
	line("%s", text)
	line("--%s--", boundary)
	return b.Bytes(), messageID, nil
}
