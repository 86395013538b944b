package act

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"relay/report/jobs"
	"relay/store"
)

// Host is the running relay as a whole.
type Host interface {
	Health(context.Context) *Health
	Reload() (*Reload, error) // on an error nothing has changed
}

// Bans are the bans that a running relay has in memory.
type Bans interface {
	Bans() []Ban                // networks in their order, then logins in theirs
	LiftBan(of netip.Addr) bool // and of the networks around it; false: none of them was banned
	LiftLogin(name string) bool // false: it was not locked
}

// Ban keeps a network or a login out after failed logins.
type Ban struct {
	Network netip.Prefix // zero: Login is locked
	Login   string       // "": Network is banned
	Failed  int          // different wrong logins
	Until   time.Time    // UTC
}

// Health says how a running relay is.
type Health struct {
	Healthy   bool       `json:"healthy"`
	Version   string     `json:"version"`
	PID       int        `json:"pid"`
	Hostname  string     `json:"hostname"`
	Started   time.Time  `json:"started"`
	Listeners []Listener `json:"listeners"`
	Bounce    []Listener `json:"bounce,omitempty" doc:"Where mail comes back; none: nowhere."`
	Messages  int64      `json:"messages" doc:"In the spool."`
	Octets    int64      `json:"octets"`
	File      int64      `json:"file" doc:"Octets of the store's file."`
	Free      int64      `json:"free" doc:"Of these, free for use."`
	Backup    time.Time  `json:"backup,omitzero" doc:"Instant of the last copy; none: there is no copy."`
	Problem   string     `json:"problem,omitempty"`

	Connections *Connections `json:"connections" doc:"To next hops; null: they are not known soon."`

	Sources []string `json:"sources" doc:"Sources of mail that are not in order, and what is wrong with each."`

	Certificate *Certificate `json:"certificate,omitempty" doc:"That the listeners present; none: none needs one."`

	Clock  *Clock  `json:"clock,omitempty" doc:"The clock was plainly wrong; none: it was not."`
	Probes []Probe `json:"probes"`
}

// Unwell says what is wrong; "": nothing.
func (h *Health) Unwell() string {
	var bad []string
	if h.Problem != "" {
		bad = append(bad, h.Problem)
	}
	for _, one := range h.Probes {
		if one.Error != "" && one.Error != h.Problem {
			bad = append(bad, one.Error)
		}
	}
	return strings.Join(bad, "; ")
}

// Measure sets what the open store knows.
func (h *Health) Measure(st *store.Store) error {
	if hold := st.Hold(); hold != nil {
		h.Clock = &Clock{Stands: hold.Stands, Wall: hold.Wall}
	}
	h.File, h.Free = st.Size()
	sum, err := st.Spool.Totals()
	h.Messages, h.Octets = sum.Messages, sum.Bytes
	copied, _, backupErr := jobs.LastBackup(st)
	h.Backup = copied
	return errors.Join(err, backupErr)
}

// Clock says that the books stand still, because the clock was found plainly wrong.
type Clock struct {
	Stands time.Time `json:"stands" doc:"Time of the books."`
	Wall   time.Time `json:"wall" doc:"What the clock showed."`
}

// Where a certificate is from.
const (
	FromFile      = "file"
	FromAuthority = "acme"
	SelfSigned    = "self-signed"
)

// Certificate is what the listeners present.
type Certificate struct {
	Names   []string  `json:"names"`
	From    string    `json:"from" enum:"file,acme,self-signed"`
	Ends    time.Time `json:"ends"`
	Problem string    `json:"problem,omitempty" doc:"Why the authority has issued no new one; none: nothing is wrong."`
	Next    time.Time `json:"next,omitzero" doc:"When it is asked again."`
}

// EndsSoon is the rest of a certificate's life in which people are told of its end.
const EndsSoon = 14 * 24 * time.Hour

// Worry reports whether somebody should look after it: it ends soon, or there is none from
// the authority yet.
func (c *Certificate) Worry(now time.Time) bool {
	return c.From == FromFile && c.Ends.Sub(now) < EndsSoon || c.Problem != "" && (c.From == SelfSigned || c.Ends.Sub(now) < EndsSoon)
}

// Probe is a round trip through a part of the relay.
type Probe struct {
	Name  string `json:"name"`
	MS    int64  `json:"ms"`
	Error string `json:"error,omitempty" doc:"None: it works."`
}

// IntakeProbe asks whether a message could be stored. It does not count as a sign of life:
// a restart does not free a full disk.
const IntakeProbe = "intake"

// Listener is an address where mail comes in.
type Listener struct {
	Addr   string `json:"addr" doc:"As it was chosen, with the real port."`
	TLS    string `json:"tls"`
	Socket string `json:"socket,omitempty" doc:"The service manager's name for it; none: it is the relay's own."`
}

// Reload is the result of a configuration that was read again.
type Reload struct {
	Config  string   `json:"config" doc:"The file; empty: there is none, the defaults hold."`
	Changes []Change `json:"changes"`
}

// Change is a key of the configuration with a new value.
type Change struct {
	Key     string `json:"key"`
	Old     string `json:"old" doc:"As it stands in the file; empty: it was not there."`
	New     string `json:"new"`
	Restart bool   `json:"restart" doc:"It needs one; otherwise it is in force."`
}
