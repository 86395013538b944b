package check

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
)

// Machine is what a check needs of this machine.
type Machine struct {
	Where     *place.Flags
	Addresses func() (kernel.Addresses, error)
	Listen    func(network, address string) (net.Listener, error)
	Wall      func() time.Time // nil: the system's clock
	Kept      func() bool      // whether a time service keeps the clock; nil: the kernel is asked
}

// Command is relay check.
func Command(e *shell.Env, m Machine) *cli.Command {
	c := checkup{Env: e, Machine: m}
	var prove, offline bool
	return shell.Command(&cli.Command{
		Name: "check", Usage: "find problems and say how to fix them",
		Description: `Looks at the configuration, the store and its last backup, ports, TLS certificate, DNS records of the host name (address, PTR, SPF, DKIM), the way out (port 25, or the smarthost), clock, disk and descriptors, with or without a running relay. It changes nothing and sends no mail; for the way out it greets one well-known mail host, and leaves again.

A check that cannot be made, such as one of the DNS without a name server, is a warning. The exit code is 1 if a check fails; warnings leave it 0.

--store also proves the store's file: every queue entry has its message, every message its body, and every counter is right. It reads the whole file. While a relay runs it proves a copy beside the store, and the relay keeps running.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "store", Usage: "prove the store's file too", Destination: &prove},
			&cli.BoolFlag{Name: "offline", Usage: "leave out what needs the network: DNS, and mail hosts", Destination: &offline},
		},
	}, func(ctx context.Context, _ []string) error {
		found := c.run(ctx, prove, offline)
		if err := c.show(found); err != nil {
			return err
		}
		if found.count(finding.Failed) > 0 {
			return exit.Code(exit.Failed)
		}
		return nil
	})
}

// checkup is a run of relay check.
type checkup struct {
	*shell.Env
	Machine
	cfg config.Config // read by the first look, like dir
	dir place.Dir
}

// networkTime bounds all looks at the network together, so that the command ends soon
// where a network swallows packets.
const networkTime = 8 * time.Second

// run looks at everything. The network answers slowly, so the looks at it run beside
// the others.
func (c *checkup) run(ctx context.Context, prove, offline bool) results {
	h := home{c.look(ctx, "relay"), &process{}}
	if !h.configured() {
		return h.results
	}
	network, cancel := context.WithTimeout(ctx, networkTime)
	defer cancel()
	dns, out := records{look: c.look(network, "DNS")}, egress{c.look(network, "way out")}
	out.here()
	var outside sync.WaitGroup
	if !offline {
		outside.Go(dns.all)
		outside.Go(out.outside)
	}
	h.all(prove)
	in := entrance{look: c.look(ctx, "way in"), relay: h.relay}
	in.all()
	outside.Wait()
	m := hardware{c.look(ctx, "machine"), h.relay}
	m.all()
	return slices.Concat(h.results, in.results, dns.results, out.results, m.results)
}

// look is the part of the check that stands under one heading. Looks run beside each
// other, so each has its own results; what they share of the checkup no longer changes.
type look struct {
	*checkup
	ctx     context.Context
	heading string
	results
}

func (c *checkup) look(ctx context.Context, heading string) *look {
	return &look{checkup: c, ctx: ctx, heading: heading}
}

func (l *look) add(check string, s finding.Status, advice, format string, args ...any) {
	l.results = append(l.results, finding.Finding{Check: check, Status: s, Detail: fmt.Sprintf(format, args...), Advice: advice, Group: l.heading})
}

// results are in the order in which they are shown.
type results []finding.Finding

func (r results) count(s finding.Status) (n int) {
	for _, f := range r {
		if f.Status == s {
			n++
		}
	}
	return n
}

// summary is the last line.
func (r results) summary() string {
	var parts []string
	if n := r.count(finding.Failed); n > 0 {
		parts = append(parts, fmt.Sprint(n, " failed"))
	}
	if n := r.count(finding.Warning); n > 0 {
		parts = append(parts, words.Plural(int64(n), "warning"))
	}
	if parts == nil {
		return "All is well."
	}
	return strings.Join(append(parts, fmt.Sprint(r.count(finding.OK), " ok")), ", ") + "."
}

// widestCheck bounds the column of names; longer ones are cut.
const widestCheck = len("data directory")

// show writes the results, for programs or under their headings. Programs get no
// headings: the names of the checks are enough.
func (c *checkup) show(found results) error {
	if c.JSON {
		return term.EncodeAll(c.Stdout, found)
	}
	width, coloured := 0, term.Coloured(c.Stdout, os.Getenv)
	for _, f := range found {
		width = max(width, utf8.RuneCountInString(f.Check))
	}
	lead, heading := "", ""
	for _, f := range found {
		if f.Group != heading {
			heading = f.Group
			if err := c.Say("%s%s", lead, heading); err != nil {
				return err
			}
			lead = "\n"
		}
		if err := f.Write(c.Stdout, min(width, widestCheck), coloured); err != nil {
			return err
		}
	}
	return c.Say("\n%s", found.summary())
}
