package check

import (
	"crypto/tls"
	"time"

	"relay/cli/config"
	"relay/cli/finding"
	"relay/cli/knock"
)

// api judges the listener of [api]: a running relay must answer there, and a stopped one
// must be able to bind it.
func (e *entrance) api() {
	const check = "api"
	l := config.Listen{Addr: e.cfg.API.Listen, TLS: e.cfg.API.TLS}
	switch {
	case l.Addr == "":
	case e.relay.health == nil:
		e.bind(check, l.TLS, l)
	case config.PortOf(l.Addr) == 0: // the kernel chose the port
		e.add(check, finding.OK, "", "%s, on a port that the system chose", l.TLS)
	default:
		if err := e.connects(knock.Address(l.Addr), l.TLS); err != nil {
			e.add(check, finding.Failed, "start the relay again after a change of [api]; the reason is in its log", "%s, no answer: %s", l.TLS, knock.Why(err))
			return
		}
		e.add(check, finding.OK, "", "%s, the relay answers on %s", l.TLS, l.Addr)
	}
}

// connects tries a listener without a request: one without a token would count as a guess.
func (e *entrance) connects(addr, mode string) error {
	conn, err := knock.Dial(e.ctx, addr, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if mode == "none" {
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(knock.Patience)) // an error shows in the handshake
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(e.ctx)
}
