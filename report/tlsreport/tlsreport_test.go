package tlsreport

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"time"

	"relay/store/sites"
)

var day = &sites.TLSDay{Day: "2026-11-28", Domain: "example.net", Sums: []sites.TLSTally{
	{Type: "sts", Policy: []string{"version: STSv1", "mode: enforce"}, MX: []string{"*.example.net"}, Good: 12, Bad: 3,
		Failures: []sites.TLSFailure{{Result: "certificate-expired", Host: "mx.example.net", IP: "192.0.2.1", Why: "certificate has expired", Count: 3}}},
	{Type: "no-policy-found", Good: 1},
}}

const want = `{
  "organization-name": "relay.example.org",
  "date-range": {
    "start-datetime": "2026-11-28T00:00:00Z",
    "end-datetime": "2026-11-28T23:59:59Z"
  },
  "contact-info": "postmaster@relay.example.org",
  "report-id": "20261128.example.net@relay.example.org",
  "policies": [
    {
      "policy": {
        "policy-type": "sts",
        "policy-string": [
          "version: STSv1",
          "mode: enforce"
        ],
        "policy-domain": "example.net",
        "mx-host": [
          "*.example.net"
        ]
      },
      "summary": {
        "total-successful-session-count": 12,
        "total-failure-session-count": 3
      },
      "failure-details": [
        {
          "result-type": "certificate-expired",
          "receiving-mx-hostname": "mx.example.net",
          "receiving-ip": "192.0.2.1",
          "failed-session-count": 3,
          "failure-reason-code": "certificate has expired"
        }
      ]
    },
    {
      "policy": {
        "policy-type": "no-policy-found",
        "policy-domain": "example.net"
      },
      "summary": {
        "total-successful-session-count": 1,
        "total-failure-session-count": 0
      }
    }
  ]
}`

// The mail of a report can be read, and has what the receiver looks for.
func TestReport_Mail(t *testing.T) {
	r := &Report{Host: "relay.example.org", Contact: "postmaster@relay.example.org", Day: day}
	content, id, err := r.Mail([]string{"tls@example.net", "b@example.net"}, "01J", time.Date(2026, 11, 29, 2, 43, 0, 0, time.UTC))
	if err != nil || id != "<01J@relay.example.org>" {
		t.Fatal(id, err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for field, value := range map[string]string{"TLS-Report-Domain": "example.net", "TLS-Report-Submitter": "relay.example.org", "TLS-Required": "No",
		"To":      "<tls@example.net>, <b@example.net>",
		"Subject": "Report Domain: example.net Submitter: relay.example.org Report-ID: <20261128.example.net@relay.example.org>"} {
		if got := m.Header.Get(field); got != value {
			t.Errorf("%s: %q, want %q", field, got, value)
		}
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["report-type"] != "tlsrpt" {
		t.Fatal(kind, params, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	text, err := parts.NextPart()
	if err != nil || !strings.HasPrefix(text.Header.Get("Content-Type"), "text/plain") {
		t.Fatal(err)
	}
	file, err := parts.NextPart()
	if err != nil || file.Header.Get("Content-Type") != "application/tlsrpt+gzip" ||
		file.FileName() != "relay.example.org!example.net!1795824000!1795910399.json.gz" {
		t.Fatal(file.Header, file.FileName(), err)
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || string(got) != want || !json.Valid(got) {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Error(err)
	}
	for line := range strings.Lines(string(content)) {
		if len(line) > 80 && !strings.HasPrefix(line, " Report-ID") || !strings.HasSuffix(line, "\r\n") {
			t.Errorf("line %q", line)
		}
	}
}
