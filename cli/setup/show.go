package setup

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"relay/cli/config"
	"relay/cli/kernel"
	"relay/cli/term"
	"relay/cli/zonefile"
	"relay/report/words"
)

// show writes one screen: what was made, what to publish and what to do next.
func (s *installation) show() error {
	if s.JSON {
		return s.showJSON()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "relay is set up for %s.\n\n", s.host)
	s.showMade(&b)
	b.WriteString("\nPublish in the DNS:\n")
	s.showRecords(&b)
	b.WriteString("\n")
	for _, note := range s.notes() {
		b.WriteString(strings.Join(term.Wrap(note, term.Columns), "\n") + "\n")
	}
	s.showNext(&b)
	_, err := fmt.Fprint(s.Stdout, b.String())
	return err
}

// showMade lists what was made or kept. Paths in the data directory begin there.
func (s *installation) showMade(b *strings.Builder) {
	for _, m := range s.made {
		if m.Thing == "certificate" {
			fmt.Fprintf(b, "  %s%s\n", term.Pad("data directory", 16, false), words.Clean(string(s.dir)))
		}
		state := ""
		if m.State == "kept" {
			state = " (kept)"
		}
		fmt.Fprintf(b, "  %s%s%s\n", term.Pad(m.Thing, 16, false), words.Clean(strings.TrimPrefix(m.Path, string(s.dir)+"/")), state)
		if m.Thing == "account" {
			fmt.Fprintf(b, "  %s%s\n", term.Pad("password", 16, false), s.password(m.Path))
		}
	}
}

// password of the account that was made, or how to get another one.
func (s *installation) password(account string) string {
	if s.login == nil {
		return "if lost: relay account credential add " + account
	}
	return s.login.Password + " (shown only this once)"
}

// showRecords shows the records as an operator types them. The DKIM key is too long for
// that; it is in the zone file.
func (s *installation) showRecords(b *strings.Builder) {
	width := len("_dmarc." + s.host + ".")
	for _, r := range s.records() {
		value := r.Value
		if r.Type == "TXT" {
			value = zonefile.Text(value)
		}
		if strings.Contains(value, "\n") {
			value = "in dns.zone: it is long"
		}
		if r.Type == "MX" && r.unknown() {
			value += " (takes answers to notices)"
		}
		lead := "  " + term.Pad(r.Name, width, false) + "  " + term.Pad(r.Type, 4, false)
		if len(lead)+1+len(value) > term.Columns {
			lead = strings.TrimRight(lead, " ") + "\n     "
		}
		b.WriteString(lead + " " + value + "\n")
	}
	for i, a := range s.seen() {
		if i == 0 {
			b.WriteString("At the provider of the addresses:\n")
		}
		fmt.Fprintf(b, "  %s  PTR  %s.\n", a, s.host)
	}
}

// notes on the records.
func (s *installation) notes() (list []string) {
	if s.own.Hidden() {
		private := slices.DeleteFunc(slices.Clone(s.own.All), func(a netip.Addr) bool { return !a.Is4() })
		list = append(list, "Behind NAT ("+cmp.Or(kernel.AddrList(private), "no IPv4 address")+"): put the public address where "+yourAddress+" stands.")
	}
	if s.smarthost() {
		list = append(list, "Mail leaves through "+s.cfg.Delivery.Smarthost+": put the name that its provider gives for SPF where "+yourRelay+" stands.")
	}
	if !s.cfg.TakesBack() {
		list = append(list, "To take in bounces: set listen in [bounce], then init shows the records for it.")
	}
	return append(list, "Customers add "+s.customers()+" to the SPF record of their own domains.")
}

func (s *installation) showNext(b *strings.Builder) {
	next := []string{"a certificate: acme, or cert and key, in [tls]; self-signed until then"}
	if s.cfg.TLS.Contact != "" {
		next = []string{"let the world reach port 80: relay gets its certificate when it starts"}
	} else if s.cfg.TLS.Cert != "" {
		next = nil
	}
	if s.file != config.SystemFile {
		next = append(next, "export RELAY_CONFIG="+s.file)
	}
	next = append(next, "relay serve", "relay check           what is wrong, and what to do about it", "relay test --to YOU   a message, followed to its end")
	b.WriteString("\nNext:\n")
	for i, text := range next {
		fmt.Fprintf(b, "  %d. %s\n", i+1, text)
	}
}

func (s *installation) showJSON() error {
	return term.Encode(s.Stdout, struct {
		Hostname  string   `json:"hostname"`
		Made      []step   `json:"made"`
		Login     *login   `json:"login"` // null: no account was made
		Addresses []string `json:"addresses"`
		Records   []record `json:"records"`
		Pointers  []record `json:"pointers"`
		Customers string   `json:"customers_spf"`
	}{s.host, s.made, s.login, s.addressTexts(), s.records(), s.pointers(), s.customers()})
}

func (s *installation) addressTexts() []string {
	list := []string{}
	for _, a := range s.own.Outgoing {
		list = append(list, a.String())
	}
	return list
}
