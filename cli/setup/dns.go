package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"

	"relay/cli/zonefile"
	"relay/mailer/spf"
)

// record of the DNS, to be published.
type record struct {
	Name  string `json:"name"` // with a dot at the end
	Type  string `json:"type"`
	Value string `json:"value"` // the whole text of a TXT, without quotes

	why string // a comment in the zone file
}

// Words that stand where init does not know the value. The operator replaces them.
const (
	unknownWord = "YOUR-" // how each of them begins

	yourAddress = "YOUR-ADDRESS"
	yourHost    = "YOUR-MAIL-HOST."
	yourRelay   = "YOUR-SMARTHOST"
)

// unknown reports whether the value holds a word to be replaced.
func (r *record) unknown() bool { return strings.Contains(r.Value, unknownWord) }

// maxShown is the most addresses in the records. A machine with more sends from a few of
// them.
const maxShown = 4

// records to be published for this host.
func (s *installation) records() []record {
	host := s.host + "."
	var list []record
	add := func(name, kind, value, why string) { list = append(list, record{name, kind, value, why}) }
	why := "mail programs find the relay"
	var terms []string
	for _, a := range s.shown() {
		kind := "AAAA"
		if a.Is4() {
			kind = "A"
		}
		add(host, kind, a.String(), why)
		terms, why = append(terms, spf.Term(a)), ""
	}
	if s.own.Hidden() {
		add(host, "A", yourAddress, why)
		terms = append(terms, "ip4:"+yourAddress)
	}
	if s.smarthost() {
		terms = []string{"include:" + yourRelay}
	}
	add(host, "TXT", spf.Record(terms), "SPF: mail of this name comes from here only")
	add("_dmarc."+host, "TXT", "v=DMARC1; p=none", "DMARC: somebody cares about mail of this name")
	add(s.dkim.selector+"._domainkey."+host, "TXT", s.dkim.record, "DKIM: the host's key, which signs relay's own notices")
	if !s.cfg.TakesBack() {
		add(host, "MX", "10 "+yourHost, "who takes the answers to relay's own notices, to MAILER-DAEMON@"+s.host)
		return list
	}
	add(host, "MX", "10 "+host, "what comes back to relay, and mail to postmaster and abuse")
	if domain := s.cfg.ReturnDomain(); domain != s.host {
		add(domain+".", "MX", "10 "+host, "reports come back to addresses here, which are the sender of mail with --verp")
		add(domain+".", "TXT", spf.Record([]string{"include:" + s.host}), "")
	}
	return list
}

// smarthost reports whether mail leaves through another host, which receivers see.
func (s *installation) smarthost() bool { return s.cfg.Delivery.Smarthost != "" }

// shown are the addresses that are in the records.
func (s *installation) shown() []netip.Addr {
	return s.own.Outgoing[:min(len(s.own.Outgoing), maxShown)]
}

// pointers are the PTR records, which the provider of the addresses publishes.
func (s *installation) pointers() []record {
	list := []record{}
	for _, a := range s.seen() {
		name, err := dns.ReverseAddr(a)
		if err != nil {
			name = a // yourAddress
		}
		list = append(list, record{name, "PTR", s.host + ".", ""})
	}
	return list
}

// seen are the addresses that receivers see.
func (s *installation) seen() (list []string) {
	if s.smarthost() {
		return nil
	}
	for _, a := range s.shown() {
		list = append(list, a.String())
	}
	if s.own.Hidden() {
		list = append(list, yourAddress)
	}
	return list
}

// customers is the term that a customer's domain needs in its SPF record.
func (s *installation) customers() string { return "include:" + s.host }

// zoneTTL is short enough to mend a slip, in seconds (RFC 2308 §4).
const zoneTTL = 3600

// zoneText is all records in the notation of zone files (RFC 1035 §5.1). A record with an
// unknown value is a comment, so that the file loads as it is.
func (s *installation) zoneText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "; DNS records for %s, written by relay init.\n", s.host)
	b.WriteString("; In a line that begins with ;; replace YOUR-..., then remove the ;;.\n")
	if s.own.Hidden() {
		fmt.Fprintf(&b, "; The world sees this machine's IPv4 under another address: put it where %s stands.\n", yourAddress)
	}
	if s.smarthost() {
		fmt.Fprintf(&b, "; Mail leaves through a smarthost: put the name that its provider gives for SPF where %s stands.\n", yourRelay)
	}
	fmt.Fprintf(&b, "\n$TTL %d\n", zoneTTL)
	for _, r := range s.records() {
		if r.why != "" {
			fmt.Fprintf(&b, "\n; %s\n", r.why)
		}
		comment := ""
		if r.unknown() {
			comment = ";; "
		}
		fmt.Fprintf(&b, "%s%s\n", comment, zonefile.Line(r.Name, r.Type, r.Value))
	}
	for i, r := range s.pointers() {
		if i == 0 {
			b.WriteString("\n; PTR: the provider of the address publishes it\n")
		}
		fmt.Fprintf(&b, "; %s\tIN\t%s\t%s\n", r.Name, r.Type, r.Value)
	}
	fmt.Fprintf(&b, "\n; Customers put this into the SPF record of their own domains, before its end:\n; %s\n", s.customers())
	return b.String()
}

// zoneFile writes the records beside the data.
func (s *installation) zoneFile() error {
	path := s.zonePath()
	text := s.zoneText()
	old, err := os.ReadFile(path)
	switch {
	case err == nil:
		if string(old) != text {
			s.Note("%s is not what it would be now: move it away and run init again for a new one", path)
		}
		s.kept("DNS records", path)
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := writeNew(path, []byte(text), 0o644, s.dir.Adopt); err != nil {
		return err
	}
	s.wrote("DNS records", path)
	return nil
}

func (s *installation) zonePath() string { return filepath.Join(string(s.dir), "dns.zone") }
