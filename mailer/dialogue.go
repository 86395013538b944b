package mailer

import (
	"strings"
	"time"

	"relay/mailer/client"
	"relay/store"
)

// dialogue is what was said to the hosts of an attempt, the last ones. It stays empty where
// all goes well.
type dialogue struct {
	began time.Time // by the store's clock
	hosts []string  // what was said to each, in their order
}

// hold notes what was said to a host.
func (a *attempt) hold(name, lines string) {
	if lines == "" {
		return
	}
	if a.words.began.IsZero() {
		a.words.began = a.m.store.Now()
	}
	a.words.hosts = append(a.words.hosts, "-- "+name+"\n"+lines)
}

// holdFailure notes what was said to a host that took no connection.
func (a *attempt) holdFailure(f *failure) {
	lines := f.err.Dialogue
	if lines == "" {
		lines = "-- " + f.err.Error() + "\n"
	}
	name := hopName(f.host, f.addr)
	if name == "" {
		name = "no host"
	}
	a.hold(name, lines)
}

// stored is the dialogue as it is kept: what does not fit is left out at the front.
func (d *dialogue) stored(domain string) store.Dialogue {
	size, from := 0, len(d.hosts)
	for from > 0 && size+len(d.hosts[from-1]) <= client.MaxDialogue+maxHostLine {
		from--
		size += len(d.hosts[from])
	}
	if len(d.hosts) == 0 {
		return store.Dialogue{}
	}
	text := strings.Join(d.hosts[from:], "")
	if from > 0 {
		text = "-- hosts before are left out\n" + text
	}
	return store.Dialogue{Time: d.began, Domain: domain, Lines: []byte(text)}
}

// maxHostLine is how long the line with a host's name may be.
const maxHostLine = 320
