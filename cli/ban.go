package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
	"relay/smtp"
	"relay/store"
)

func (p *program) banCommand() *cli.Command {
	return shell.Group("ban", "who is kept out for failed logins", p.banList(), p.banLift())
}

// onRelay completes a command that is about what a running relay has in memory.
func (p *program) onRelay(c *cli.Command, run func(s *smtp.Server, args []string) error) *cli.Command {
	c.HideHelp = true
	c.Action = func(cc *cli.Context) error {
		if p.inner != nil {
			return run(p.inner.smtp, cc.Args().Slice())
		}
		err := p.askRelay(cc.Context)
		if errors.Is(err, control.ErrAbsent) {
			return exit.Fail(exit.Unreachable, "bans end with the relay that set them; if one is running, name its data directory with --data DIR", "%w", err)
		}
		return err
	}
	return c
}

// banView is a ban as programs see it: of an address, or of a login.
type banView struct {
	Network string    `json:"network"` // an address, an IPv6 /64, or a larger network; "": a login is locked
	Login   string    `json:"login"`   // "": a network is banned
	Failed  int       `json:"failed"`
	Until   time.Time `json:"until"`

	kind string
}

func viewBan(b smtp.Ban) banView {
	v := banView{Login: b.Login, Failed: b.Failed, Until: b.Until.Truncate(time.Second), kind: "address"}
	switch {
	case !b.Network.IsValid():
		v.kind = "login"
	case b.Wide():
		v.Network, v.kind = b.Network.String(), "network"
	case b.Network.IsSingleIP():
		v.Network = b.Network.Addr().String()
	default:
		v.Network = b.Network.String()
	}
	return v
}

func (p *program) banList() *cli.Command {
	return p.onRelay(&cli.Command{
		Name: "list", Usage: "addresses that are banned, logins that are locked",
		Description: `An address is banned when it tried too many different passwords. A network (an IPv4 /24, an IPv6 /56 or /48) is banned when many were tried from all over it; the ban leaves out the addresses in it from which any login succeeded in the last 30 days.

A login is locked when too many passwords were tried for it, from wherever. The lock leaves out the addresses from which that login succeeded in the last 30 days, and a generated password that is right. Names are shown as they were tried: there need not be such a login.

Bans are in the memory of the running relay and end with it. Each that follows another one soon lasts twice as long, up to a day. See failed_logins_per_address, failed_logins_per_login and ban_time in [limits].`,
	}, func(s *smtp.Server, _ []string) error {
		views := []banView{}
		for _, b := range s.Bans() {
			views = append(views, viewBan(b))
		}
		if p.json {
			return term.EncodeAll(p.Stdout, views)
		}
		return p.banTable(views)
	})
}

func (p *program) banTable(views []banView) error {
	if len(views) == 0 {
		_, err := fmt.Fprintln(p.Stdout, "nobody is kept out")
		return err
	}
	t := term.NewTable(term.Column{Head: "KIND"}, term.Column{Head: "WHO", Least: 20}, term.Column{Head: "FAILED", Right: true}, term.Column{Head: "UNTIL"})
	zone := p.inner.config().Zone()
	for _, v := range views {
		t.Add(v.kind, orElse(v.Network, v.Login), words.Number(int64(v.Failed)), words.Stamp(v.Until, zone))
	}
	return t.Print(p.Stdout)
}

func (p *program) banLift() *cli.Command {
	var all bool
	return p.onRelay(&cli.Command{
		Name: "lift", ArgsUsage: "[ADDRESS|LOGIN]", Usage: "let an address or a login in again",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "all of them", Destination: &all},
		},
		Description: `Its failed logins are forgotten, and so is that it was banned before.

  relay ban lift 192.0.2.7`,
	}, func(s *smtp.Server, args []string) error {
		var lifted []banView
		switch {
		case all == (len(args) > 0):
			return exit.Usage("see who is banned: relay ban list", "name an address or a login, or --all")
		case all:
			for _, b := range s.Bans() {
				if lift(s, b) {
					lifted = append(lifted, viewBan(b))
				}
			}
		default:
			b, ok := liftOne(s, args[0])
			if !ok {
				return exit.Fail(exit.Failed, "see who is: relay ban list", "%s is not banned", args[0])
			}
			lifted = append(lifted, b)
		}
		return p.banLifted(lifted)
	})
}

// lift reports false when the ban has ended by itself meanwhile.
func lift(s *smtp.Server, b smtp.Ban) bool {
	if b.Network.IsValid() {
		return s.LiftBan(b.Network.Addr())
	}
	return s.LiftLogin(b.Login)
}

// liftOne takes what the list shows, or any address of a network.
func liftOne(s *smtp.Server, who string) (banView, bool) {
	addr, err := netip.ParseAddr(who)
	if network, notOne := netip.ParsePrefix(who); notOne == nil {
		addr, err = network.Addr(), nil
	}
	for _, b := range s.Bans() {
		if b.Login == store.FoldLogin(who) && who != "" {
			return viewBan(b), lift(s, b)
		}
		if err == nil && b.Network.Contains(addr.Unmap().WithZone("")) {
			return viewBan(b), s.LiftBan(addr)
		}
	}
	return banView{}, false
}

func (p *program) banLifted(lifted []banView) error {
	if p.json {
		return term.EncodeAll(p.Stdout, lifted)
	}
	c := &call{program: p}
	if len(lifted) == 0 {
		return c.say("nobody was banned")
	}
	for _, v := range lifted {
		if err := c.say("%s may come in again", term.Clean(orElse(v.Network, v.Login))); err != nil {
			return err
		}
	}
	return nil
}
