package attempt

import (
	"strings"
	"time"

	"relay/mailer/client"
	"relay/mailer/link"
	"relay/store/trace"
)

// Dialogue is what was said to the hosts of an attempt, the last ones. It stays empty where
// all goes well.
type Dialogue struct {
	began time.Time // by the store's clock
	Hosts []string  // what was said to each, in their order
}

// hold notes what was said to a host.
func (a *attempt) hold(name, lines string) {
	if lines == "" {
		return
	}
	if a.words.began.IsZero() {
		a.words.began = a.m.spool.Now()
	}
	a.words.Hosts = append(a.words.Hosts, "-- "+name+"\n"+lines)
}

// holdFailure notes what was said to a host that took no connection.
func (a *attempt) holdFailure(f *link.Failure) {
	lines := f.Err.Dialogue
	if lines == "" {
		lines = "-- " + f.Err.Error() + "\n"
	}
	name := link.HopName(f.Host, f.Addr)
	if name == "" {
		name = "no host"
	}
	a.hold(name, lines)
}

// Stored is the dialogue as it is kept: what does not fit is left out at the front.
func (d *Dialogue) Stored(domain string) trace.Dialogue {
	size, from := 0, len(d.Hosts)
	for from > 0 && size+len(d.Hosts[from-1]) <= client.MaxDialogue+maxHostLine {
		from--
		size += len(d.Hosts[from])
	}
	if len(d.Hosts) == 0 {
		return trace.Dialogue{}
	}
	text := strings.Join(d.Hosts[from:], "")
	if from > 0 {
		text = "-- hosts before are left out\n" + text
	}
	return trace.Dialogue{Time: d.began, Domain: domain, Lines: []byte(text)}
}

// maxHostLine is how long the line with a host's name may be.
const maxHostLine = 320
