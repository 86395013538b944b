package smtp

import (
	"relay/smtp/wire"
	"relay/store/meter"
	"relay/store/spooled"
)

// Meters are what a server counts since it began.
type Meters struct {
	Messages   meter.Counter // taken
	Recipients meter.Counter // of them
	Octets     meter.Counter // of them, each content once
	Refusals   meter.Table[wire.Refusal]
}

func (m *Meters) took(is *spooled.Message) {
	m.Messages.Add(1)
	m.Recipients.Add(int64(len(is.Recipients)))
	m.Octets.Add(is.Size)
}

func (m *Meters) said(r *reply) {
	if is, no := r.Refusal(); no {
		m.Refusals.Add(is, 1)
	}
}

// saidLine is said for a line that go-smtp has written: "550 5.7.1 text".
func (m *Meters) saidLine(line []byte) {
	r := wire.Refusal{Code: int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')}
	if r.Code < 400 {
		return
	}
	part := 0
	for _, b := range line[4:] {
		switch {
		case b >= '0' && b <= '9' && r.Enhanced[part] < 1000:
			r.Enhanced[part] = 10*r.Enhanced[part] + int(b-'0')
			continue
		case b == '.' && part < 2:
			part++
			continue
		case b == ' ' && part == 2:
			m.Refusals.Add(r, 1)
			return
		}
		break
	}
	m.Refusals.Add(wire.Refusal{Code: r.Code}, 1) // it has no enhanced code
}

// Meters of the server, to be read only.
func (s *Server) Meters() *Meters { return &s.meters }

// Load is what a server has to do at a moment.
type Load struct {
	Connections int // open
	Most        int // that may be
	Hashing     int // strangers' logins that wait until their password is checked
}

// Load of this moment.
func (s *Server) Load() Load {
	return Load{s.gate.Open(), s.cfg().Connections, s.guard.Waiting()}
}
