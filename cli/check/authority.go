package check

import (
	"crypto/tls"
	"errors"
	"io/fs"

	"relay/cli/acme"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/report/words"
)

// fromAuthority judges the certificate that relay got from an authority, and whether it
// can get the next one.
func (e *entrance) fromAuthority() {
	dir := e.dir.TLS("")
	note, file := acme.ReadNote(dir), acme.PairFile(dir)
	pair, err := tls.LoadX509KeyPair(file, file)
	switch {
	case err == nil:
		e.judge(pair.Leaf)
		e.chain(certificatesOf(&pair))
	case errors.Is(err, fs.ErrNotExist) && e.relay.health == nil:
		e.add("certificate", finding.Warning, "start the relay: it asks the authority then", "none yet, a self-signed one is used until then")
	case errors.Is(err, fs.ErrNotExist):
		e.add("certificate", finding.Warning, "wait a minute, and see the line about the authority", "none yet, a self-signed one is used until then")
	default:
		e.add("certificate", finding.Warning, "the relay asks for another one when it starts", "%v", err)
	}
	e.authority(&note)
	if _, err := e.cfg.TLS.Roots(); err != nil {
		e.add("authority", finding.Failed, exit.Hint(err), "%v", err)
	}
	e.proofs()
}

// authority says how the authority was asked the last time.
func (e *entrance) authority(n *acme.Note) {
	switch {
	case n.Problem != "":
		e.add("authority", finding.Warning, "remove the cause and run relay reload: it tries again at once. The authority must reach "+e.cfg.CertificateNames()[0]+" on port "+e.proofPort(),
			"%s: %s; the next try is %s", words.Plural(int64(n.Failures), "failure"), n.Problem, words.Stamp(n.Next, e.cfg.Zone()))
	case n.IssuedBy != "":
		e.add("authority", finding.OK, "", "%s, the relay renews by itself", n.IssuedBy)
	}
}

// proofPort is the port on which the authority looks for the proof.
func (e *entrance) proofPort() string {
	if e.cfg.TLS.HTTP == "" {
		return "443"
	}
	return "80"
}

// proofs tries the listeners on which the authority looks for its proof. A running relay
// has them open already, and answers there.
func (e *entrance) proofs() {
	for _, addr := range []string{e.cfg.TLS.HTTP, e.cfg.TLS.ALPN} {
		if addr == "" || config.SocketName(addr) != "" {
			continue
		}
		l, err := e.Listen("tcp", addr)
		switch {
		case err == nil && e.relay.health == nil:
			e.add(portName(addr), finding.OK, "", "for the authority's proof, %s can be bound", addr)
		case err == nil:
			e.add(portName(addr), finding.Warning, "relay reload opens it; the log has the reason if it cannot", "the running relay does not listen on %s for the authority's proof", addr)
		case e.relay.health == nil:
			e.add(portName(addr), finding.Warning, kernel.BindAdvice(err), "for the authority's proof: %v", err)
		}
		if err == nil {
			_ = l.Close()
		}
	}
}
