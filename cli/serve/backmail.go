package serve

import (
	"cmp"
	"net"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/kernel"
	"relay/mailer/client"
	"relay/mailer/verdict"
	"relay/smtp/backmail"
	"relay/store/mailreply"
	"relay/store/refusals"
	"relay/store/returns"
)

// listenBack opens the addresses at which mail comes back, or takes the service manager's.
func (r *Relay) listenBack(sockets map[string][]net.Listener) error {
	for _, addr := range r.cfg.Bounce.Listen {
		if name := config.SocketName(addr); name != "" {
			if sockets[name] == nil {
				return exit.Fail(exit.Config, "enable the .socket unit that has FileDescriptorName="+name+" and Service=relay.service, and let systemd start the relay",
					"[bounce] listen has %q: the service manager passed no socket of that name", addr)
			}
			for _, l := range sockets[name] {
				r.back = append(r.back, &passedSocket{l, name})
			}
			delete(sockets, name)
			continue
		}
		l, err := r.host.Listen("tcp", addr)
		if err != nil {
			return exit.Fail(exit.Failed, cmp.Or(kernel.BindAdvice(err), "see [bounce] in the configuration"), "listen on %s for mail that comes back: %w", addr, err)
		}
		r.back = append(r.back, l)
	}
	return nil
}

// newBackMail makes the listener for mail that comes back; nil: there is none.
func (r *Relay) newBackMail() (*backmail.Server, error) {
	if len(r.back) == 0 {
		return nil, nil
	}
	for _, l := range r.back {
		r.logListeningBack(l)
	}
	return backmail.New(r.store, r.backMailConfig(&r.cfg), r.Log)
}

// backNames are the domains at which mail comes back.
func (r *Relay) backNames(c *config.Config) backmail.Names {
	return backmail.NamesOf(cmp.Or(c.Bounce.Domain, r.hostname), r.hostname)
}

func (r *Relay) backMailConfig(c *config.Config) backmail.Config {
	b := c.BackMail()
	b.Names = r.backNames(c)
	b.TLS, b.Judge, b.Answer, b.Desk = r.cert.config(), r.judgeReturn, r.desk.Answer, r.desk.Complaint
	b.TLS.GetConfigForClient = nil // an authority looks for its proof elsewhere
	return b
}

// judgeReturn says what a reply means that a report quotes, by the rules in force for
// replies of next hops.
func (r *Relay) judgeReturn(kind returns.Kind, reply string) (mailreply.Verdict, *refusals.Rule) {
	v := verdict.Verdict{Category: verdict.Complaint, Blame: verdict.OfRecipient}
	if kind == returns.Bounce {
		v = r.verdicts.Load().Judge(verdict.Parse("", client.StageRcpt, reply))
	}
	is := mailreply.Verdict{Category: string(v.Category), Blame: string(v.Blame), Rule: v.Rule}
	row := r.suppress.Load().Of(v.Category)
	if row == nil {
		return is, nil
	}
	return is, &refusals.Rule{Reason: string(v.Category), Status: row.Status, Messages: row.Messages, Over: row.Over, Keep: row.Keep}
}
