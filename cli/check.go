package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	cli "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"relay/cli/control"
	"relay/store"
)

// status of one thing that was looked at.
type status string

const (
	ok      status = "ok"
	warning status = "warning" // works, but not as it should
	failed  status = "failed"
)

// finding is one line of relay check.
type finding struct {
	Check  string `json:"check"`
	Status status `json:"status"`
	Detail string `json:"detail"`
	Advice string `json:"advice"` // what to do; "": nothing
}

// checker looks at everything and gathers what it finds.
type checker struct {
	*program
	ctx      context.Context
	cfg      Config
	dir      place
	health   *control.Health // of the running relay; nil: there is none
	unopened bool            // the store is there, but does not open
	findings []finding
}

func (c *checker) add(check string, s status, advice, format string, args ...any) {
	c.findings = append(c.findings, finding{check, s, fmt.Sprintf(format, args...), advice})
}

func (p *program) checkCommand() *cli.Command {
	var prove bool
	return p.here(&cli.Command{
		Name: "check", Usage: "what is wrong, and what to do about it",
		Description: `Looks at configuration, data directory, store, ports, TLS certificate, smarthost and disk, with or without a running relay. Exit code 0 when all is well or only worth a warning, 1 when something fails.

--store also proves the file: every queue entry has its message, every message its body, every counter is the sum it says. It reads all of it. While a relay runs it proves a copy, beside the store, and the relay goes on.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "store", Usage: "prove the store's file too", Destination: &prove}},
	}, func(ctx context.Context, _ []string) error { return p.check(ctx, prove) })
}

func (p *program) check(ctx context.Context, prove bool) error {
	c := &checker{program: p, ctx: ctx}
	c.all(prove)
	if err := c.show(); err != nil {
		return err
	}
	for _, f := range c.findings {
		if f.Status == failed {
			return exitCode(exitFailed)
		}
	}
	return nil
}

func (c *checker) all(prove bool) {
	var err error
	if c.cfg, err = c.load(); err != nil {
		c.add("configuration", failed, "mend the file; every key has a default and may be left out", "%v", err)
		return
	}
	c.add("configuration", ok, "", "%s", orElse(c.cfg.source, "no file, defaults"))
	if c.dir, err = c.place(&c.cfg); err != nil {
		c.add("data directory", failed, "name one with --data DIR", "%v", err)
		return
	}
	c.hostname()
	c.directory()
	c.relay()
	c.ports()
	if c.cfg.needsTLS() {
		c.certificate()
	}
	c.smarthost()
	c.disk()
	if prove && !c.unopened {
		c.proveStore()
	}
}

func (c *checker) hostname() {
	name := hostname(&c.cfg)
	if !strings.Contains(name, ".") {
		c.add("hostname", warning, `set hostname = "smtp.your.domain" in relay.toml: many receivers refuse mail from hosts without a full name`,
			"%s is not a full name", name)
		return
	}
	c.add("hostname", ok, "", "%s", name)
}

func (c *checker) directory() {
	info, err := os.Stat(string(c.dir))
	switch {
	case errors.Is(err, os.ErrNotExist):
		c.add("data directory", ok, "", "%s is not there yet; relay serve makes it", c.dir)
	case err != nil:
		c.add("data directory", failed, "run as the user that owns it", "%v", err)
	case !info.IsDir():
		c.add("data directory", failed, "move the file away", "%s is no directory", c.dir)
	case unix.Access(string(c.dir), unix.W_OK) != nil:
		c.add("data directory", failed, "run as the user that owns it", "%s cannot be written", c.dir)
	case info.Mode().Perm()&0o077 != 0:
		c.add("data directory", warning, "chmod 700 "+string(c.dir), "%s may be read by others (mode %04o)", c.dir, info.Mode().Perm())
	default:
		c.add("data directory", ok, "", "%s", c.dir)
	}
}

// relay asks the one that runs, or tries whether the store opens.
func (c *checker) relay() {
	client := control.NewClient(c.dir.socket())
	defer client.Close()
	h, err := client.Health(c.ctx)
	switch {
	case err == nil && h.Problem != "":
		c.health = &h
		c.add("relay", failed, "see its log; mend the disk and start it again", "runs, but: %s", h.Problem)
	case err == nil:
		c.health = &h
		c.add("relay", ok, "", "%s runs, pid %d, for %s; %s (%s) in the queue, file %s, %s of it free", h.Version, h.PID,
			span(time.Since(h.Started)), plural(h.Messages, "message"), size(h.Octets), size(h.File), size(h.Free))
	case !errors.Is(err, control.ErrAbsent):
		c.add("relay", failed, known(err).hint, "%v", err)
	case c.dir.isNew():
		c.add("relay", ok, "", "does not run; there is no store yet, relay serve makes one")
	default:
		c.openStore()
	}
}

func (c *checker) openStore() {
	st, err := openStore(c.dir.store(), store.Options{Zone: c.cfg.zone(), Log: c.quiet()})
	if err != nil {
		c.unopened = true
		c.add("relay", failed, orElse(known(err).hint, "relay restore FILE brings back a backup"), "does not run, and the store does not open: %v", err)
		return
	}
	var sum store.Totals
	err = guard(c.dir.store(), func() error {
		sum, err = st.Totals()
		return errors.Join(err, st.Close())
	})
	if err != nil {
		c.add("relay", failed, "relay check --store tells more", "does not run, and the store cannot be read: %v", err)
		return
	}
	c.add("relay", ok, "", "does not run; the store opens, %s (%s) in the queue", plural(sum.Messages, "message"), size(sum.Bytes))
}

// room below which a disk is nearly full, and full.
const (
	littleRoom = 2_000_000_000
	noRoom     = 200_000_000
)

func (c *checker) disk() {
	dir := string(c.dir)
	for dir != "/" {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		c.add("disk", failed, "", "%s: %v", dir, err)
		return
	}
	free, all := int64(fs.Bavail)*int64(fs.Bsize), int64(fs.Blocks)*int64(fs.Bsize)
	const advice = "make space: a relay without it refuses mail with 452"
	switch {
	case free < noRoom:
		c.add("disk", failed, advice, "%s free of %s at %s", size(free), size(all), dir)
	case free < littleRoom:
		c.add("disk", warning, advice, "%s free of %s at %s", size(free), size(all), dir)
	default:
		c.add("disk", ok, "", "%s free of %s at %s", size(free), size(all), dir)
	}
}

func (c *checker) show() error {
	if c.json {
		return encodeAll(c.Stdout, c.findings)
	}
	width := 0
	for _, f := range c.findings {
		width = max(width, len(f.Check))
	}
	for _, f := range c.findings {
		if err := writeFinding(c.Stdout, f, min(width, screen/2)); err != nil {
			return err
		}
	}
	return nil
}

// writeFinding writes what was looked at in a column of that width.
func writeFinding(w io.Writer, f finding, width int) error {
	lead := pad(string(f.Status), len(warning)+gap, false) + pad(cut(f.Check, width), width+gap, false)
	head := utf8.RuneCountInString(lead)
	lines := wrap(clean(strings.ReplaceAll(f.Detail, "\n", "; ")), screen-head)
	for i, l := range wrap(f.Advice, screen-head-2) {
		mark := "  "
		if i == 0 {
			mark = "→ "
		}
		lines = append(lines, mark+l)
	}
	for i, l := range lines {
		if i > 0 {
			lead = strings.Repeat(" ", head)
		}
		if _, err := fmt.Fprintln(w, lead+l); err != nil {
			return err
		}
	}
	return nil
}
