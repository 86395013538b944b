package visit

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"relay/mailer/client"
	"relay/report/words"
)

// noWay reports that this machine has no way to the address, which is so of IPv6 where there is
// none.
func (t *try) noWay() bool {
	return errors.Is(t.err, syscall.ENETUNREACH) || errors.Is(t.err, syscall.EHOSTUNREACH) || errors.Is(t.err, syscall.EADDRNOTAVAIL) || errors.Is(t.err, syscall.EAFNOSUPPORT)
}

// Advice to those who cannot reach a port.
const (
	adviceFirewall = "a firewall, here or at the internet provider, drops it: try from another network, use another port, or have it opened"
	adviceRefused  = "nothing listens there, or a firewall says so: ask your provider which ports there are"
	adviceCut      = "a firewall or an antivirus program cuts it, or the server has shut this address out: switch mail scanning off, or try from another network"
	adviceOther    = "something on the way answers in the server's place, such as a proxy or antivirus program, or the name is of another server: switch mail scanning off, or try from another network"
	adviceStripped = "a firewall or an antivirus program on the way takes it away to read the mail: switch mail scanning off, use port 465, or try from another network"
)

// why says what stands in the way, and what to do.
func (t *try) why(p Port) (detail, advice string) {
	e, ok := t.err.(*client.ConnError)
	if !ok {
		return t.err.Error(), ""
	}
	switch {
	case t.noWay():
		return "this machine has no way to " + t.at.Addr().String(), "see whether it is online"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "connection refused", adviceRefused
	case e.Stage == client.StageConnect:
		if late(e.Err) {
			return "no answer", adviceFirewall
		}
		return client.OneLine(e.Err.Error()), adviceFirewall
	case t.plain(p):
		return fmt.Sprintf("answers without TLS: %q", words.Cut(firstLine(t.heard), 60)), "the port turns to TLS by STARTTLS: --ports " + p.String() + "/starttls tries that"
	case e.Reply.Code != 0:
		return "the server says " + e.Error(), "the reply says why; ask your provider"
	case errors.Is(e.Err, client.ErrProtocol), errors.Is(e.Err, client.ErrReplyLength), p.Implicit && isRecord(e.Err):
		return fmt.Sprintf("no mail server answers: %q", words.Cut(firstLine(t.heard), 60)), adviceOther
	case errors.Is(e.Err, client.ErrNoTLS):
		return "STARTTLS is not offered" + strippedBy(t.heard), adviceStripped
	case late(e.Err):
		return "connected, but nothing is said" + during(e.Stage), "a proxy or a firewall takes the connection and holds it: try from another network, or use another port"
	case e.Closed():
		return "the connection is cut" + during(e.Stage), adviceCut
	case e.Stage == client.StageHandshake:
		return "TLS fails: " + client.OneLine(strings.TrimPrefix(e.Err.Error(), "tls: ")), adviceOther
	}
	return e.Error(), adviceOther
}

func during(s client.Stage) string {
	if s == client.StageGreeting {
		return ""
	}
	return " at " + s.String()
}

func late(err error) bool {
	ne, is := errors.AsType[net.Error](err)
	return is && ne.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// isRecord reports that the peer speaks, but no TLS.
func isRecord(err error) bool {
	_, is := errors.AsType[tls.RecordHeaderError](err)
	return is
}

// plain reports a mail server that speaks in the clear where TLS was expected.
func (t *try) plain(p Port) bool { return p.Implicit && strings.HasPrefix(t.heard, "220") }

// strippedBy shows what is left where a firewall has overwritten STARTTLS, as some do with X.
func strippedBy(heard string) string {
	for line := range strings.Lines(heard) {
		if word := strings.TrimSpace(line[min(4, len(line)):]); strings.HasPrefix(line, "250") && strings.Contains(word, "XXXXXX") {
			return fmt.Sprintf(", %q stands in its place", words.Cut(client.OneLine(word), 20))
		}
	}
	return ""
}
