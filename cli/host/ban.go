package host

import (
	"context"
	"errors"
	"net/netip"

	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/host"
	"relay/report/words"
)

// BanCommand is relay ban.
func BanCommand(e *shell.Env) *cli.Command {
	return shell.Group("ban", "bans and locks after failed logins", banList(e), banLift(e))
}

// noBans explains that bans are in the memory of a running relay, if none runs.
func noBans(err error) error {
	if errors.Is(err, control.ErrAbsent) {
		return exit.Fail(exit.Unreachable, "bans end with the relay that set them; if one is running, name its data directory with --data DIR", "%w", control.ErrAbsent)
	}
	return err
}

func banList(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "list", Usage: "banned addresses and locked logins",
		Description: `An address is banned when it tried too many different passwords. A network (an IPv4 /24, an IPv6 /56 or /48) is banned when many were tried from addresses all over it; the ban does not apply to addresses from which any login succeeded in the last 30 days.

A login is locked when too many passwords were tried for it, from any addresses. The lock does not apply to addresses from which that login succeeded in the last 30 days, nor to a correct password that relay generated. Names are shown as they were tried: there need not be such a login.

Bans are in the memory of the running relay and end with it. A ban that soon follows another lasts twice as long, up to a day. See failed_logins_per_address, failed_logins_per_login and ban_time in [limits].`,
	}, func(ctx context.Context, _ []string) error {
		return noBans(shell.List(ctx, e.OfRunning(), host.ListBans, &host.AllBans{}, shell.Rows[host.Ban]{
			Empty:   "no bans or locks",
			Columns: []term.Column{{Head: "KIND"}, {Head: "WHO", Least: 20}, {Head: "FAILED", Right: true}, {Head: "UNTIL"}},
			Cells: func(b *host.Ban) []string {
				return []string{kind(b), banned(b), words.Number(int64(b.Failed)), words.Stamp(b.Until, e.Running.Zone())}
			},
		}))
	})
}

// banned returns the network or the login of a ban.
func banned(b *host.Ban) string {
	if b.Network == "" {
		return b.Login
	}
	return b.Network
}

// kind names what a ban is for. An IPv6 /64 belongs to one customer, like an IPv4 address.
func kind(b *host.Ban) string {
	const site = 64
	if b.Network == "" {
		return "login"
	}
	if p, err := netip.ParsePrefix(b.Network); err == nil && (p.Addr().Is4() || p.Bits() < site) {
		return "network"
	}
	return "address"
}

func banLift(e *shell.Env) *cli.Command {
	var in host.Lift
	return shell.Command(&cli.Command{
		Name: "lift", ArgsUsage: "[ADDRESS|LOGIN]", Usage: "lift a ban or a lock",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "all of them", Destination: &in.Body.All},
		},
		Description: `Its failed logins and earlier bans are forgotten.

  relay ban lift 192.0.2.7`,
	}, func(ctx context.Context, args []string) error {
		if in.Body.All == (len(args) > 0) {
			return exit.Usage("see who is banned: relay ban list", "name an address or a login, or --all")
		}
		if len(args) > 0 {
			in.Body.Who = args[0]
		}
		lifted, err := host.LiftBans.Call(ctx, e.Running, &in)
		if err != nil {
			return noBans(err)
		}
		return showLifted(e, *lifted)
	})
}

func showLifted(e *shell.Env, lifted []host.Ban) error {
	if e.JSON {
		return term.EncodeAll(e.Stdout, lifted)
	}
	if len(lifted) == 0 {
		return e.Say("nobody was banned")
	}
	for i := range lifted {
		if err := e.Say("%s may come in again", words.Clean(banned(&lifted[i]))); err != nil {
			return err
		}
	}
	return nil
}
