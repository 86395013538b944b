package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/store"
)

// checker looks at everything and gathers what it finds.
type checker struct {
	*program
	ctx      context.Context
	cfg      config.Config
	dir      place.Dir
	health   *act.Health         // of the running relay; nil: there is none
	seen     []*x509.Certificate // that it showed
	hold     *act.Clock          // why the clock of the books stands still; nil: it goes
	unopened bool                // the store is there, but does not open
	silent   bool                // a relay may run, but does not talk to us
	group    string              // of what is found now
	findings []finding.Finding
}

func (c *checker) add(check string, s finding.Status, advice, format string, args ...any) {
	c.findings = append(c.findings, finding.Finding{Check: check, Status: s, Detail: fmt.Sprintf(format, args...), Advice: advice, Group: c.group})
}

func (p *program) checkCommand() *cli.Command {
	var prove, offline bool
	return p.here(&cli.Command{
		Name: "check", Usage: "find problems and say how to fix them",
		Description: `Looks at the configuration, the store and its last backup, ports, TLS certificate, DNS records of the host name (address, PTR, SPF), the way out (port 25, or the smarthost), clock, disk and descriptors, with or without a running relay. It changes nothing and sends no mail; for the way out it greets one well-known mail host, and leaves again.

What cannot be told, such as the DNS without a name server, is a warning. Exit code 0 when all is well or only worth a warning, 1 when something fails.

--store also proves the file: every queue entry has its message, every message its body, every counter is the sum it says. It reads all of it. While a relay runs it proves a copy, beside the store, and the relay goes on.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "store", Usage: "prove the store's file too", Destination: &prove},
			&cli.BoolFlag{Name: "offline", Usage: "leave out what needs the network: DNS, and the way out", Destination: &offline},
		},
	}, func(ctx context.Context, _ []string) error { return p.check(ctx, prove, offline) })
}

func (p *program) check(ctx context.Context, prove, offline bool) error {
	c := &checker{program: p, ctx: ctx}
	c.all(prove, offline)
	if err := c.show(); err != nil {
		return err
	}
	if c.count(finding.Failed) > 0 {
		return exit.Code(exit.Failed)
	}
	return nil
}

func (c *checker) count(s finding.Status) (n int) {
	for _, f := range c.findings {
		if f.Status == s {
			n++
		}
	}
	return n
}

// networkTime is what all looks at the network have together.
const networkTime = 8 * time.Second

func (c *checker) all(prove, offline bool) {
	c.group = "relay"
	if !c.configuration() {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, networkTime)
	defer cancel()
	outside := func() {}
	if !offline {
		outside = c.meanwhile(ctx, look{"DNS", (*checker).dns}, look{"way out", (*checker).wayOut})
	}
	c.directory()
	c.numbers()
	c.relay()
	if prove && !c.unopened {
		c.proveStore()
	}
	c.group = "way in"
	c.ports()
	if c.cfg.NeedsTLS() {
		c.certificate()
	}
	outside()
	c.group = "machine"
	c.machine()
}

// look is a part of the check that goes on beside others.
type look struct {
	group string
	run   func(*checker)
}

// meanwhile starts looks, each on a checker of its own; the function it returns
// waits for them and takes over what they found, in their order.
func (c *checker) meanwhile(ctx context.Context, looks ...look) (wait func()) {
	subs := make([]*checker, len(looks))
	var wg sync.WaitGroup
	for i, l := range looks {
		subs[i] = &checker{program: c.program, ctx: ctx, cfg: c.cfg, dir: c.dir, group: l.group}
		wg.Go(func() { l.run(subs[i]) })
	}
	return func() {
		wg.Wait()
		for _, sub := range subs {
			c.findings = append(c.findings, sub.findings...)
		}
	}
}

// summary is the last line.
func (c *checker) summary() string {
	var parts []string
	for _, s := range []struct {
		status finding.Status
		noun   string
	}{{finding.Failed, "failed"}, {finding.Warning, "warning"}} {
		switch n := c.count(s.status); {
		case n == 1 || n > 0 && s.status == finding.Failed:
			parts = append(parts, fmt.Sprint(n, " ", s.noun))
		case n > 1:
			parts = append(parts, fmt.Sprint(n, " ", s.noun, "s"))
		}
	}
	if parts == nil {
		return "All is well."
	}
	return strings.Join(append(parts, fmt.Sprint(c.count(finding.OK), " ok")), ", ") + "."
}

// widestCheck is how much of the screen is for the names of what was looked at.
const widestCheck = len("data directory")

func (c *checker) show() error {
	if c.json {
		return term.EncodeAll(c.Stdout, c.findings)
	}
	width := 0
	for _, f := range c.findings {
		width = max(width, utf8.RuneCountInString(f.Check))
	}
	group := ""
	for _, f := range c.findings {
		if f.Group != group {
			lead := "\n"
			if group == "" {
				lead = ""
			}
			group = f.Group
			if _, err := fmt.Fprintf(c.Stdout, "%s%s\n", lead, group); err != nil {
				return err
			}
		}
		if err := f.Write(c.Stdout, min(width, widestCheck), c.colours()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(c.Stdout, "\n%s\n", c.summary())
	return err
}

// storeOptions of a check: it says nothing itself, and writes nothing.
func (c *checker) storeOptions() store.Options {
	return clock.Guard(&c.cfg, c.Wall, c.Kept, store.Options{Zone: c.cfg.Zone(), Log: proof.OnlyErrors(c.Stderr), ReadOnly: true, Billing: c.cfg.Billing.Store()})
}
