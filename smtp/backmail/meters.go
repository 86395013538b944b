package backmail

import (
	"relay/smtp/wire"
	"relay/store/meter"
)

// Meters are what a server counts since it began.
type Meters struct {
	Messages meter.Table[Kind] // taken, by what their address is for
	Refusals meter.Table[wire.Refusal]
}

func (m *Meters) said(r *wire.Reply) {
	if is, no := r.Refusal(); no {
		m.Refusals.Add(is, 1)
	}
}

// Meters of the server, to be read only.
func (s *Server) Meters() *Meters { return &s.meters }

// Connections that are open.
func (s *Server) Connections() int { return s.gate.Open() }
