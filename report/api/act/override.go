package act

import (
	"time"

	"relay/store/egress"
)

// Override is the operator's word that mail goes otherwise for a time.
type Override struct {
	Number int64     `json:"number"`
	Kind   string    `json:"kind" enum:"site,account,domain"`
	Target string    `json:"target"`
	Do     string    `json:"do" enum:"slow,stop,bounce,source"`
	Rate   int       `json:"rate,omitempty" doc:"Of slow: messages a minute."`
	Source string    `json:"source,omitempty" doc:"Of source."`
	Reason string    `json:"reason"`
	By     string    `json:"by" doc:"Who gave it."`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
}

// OverrideOf is one as answers have it.
func OverrideOf(o *egress.Override) *Override {
	return &Override{int64(o.Number), string(o.Kind), o.Target, string(o.Do), o.Rate, o.Source, o.Reason, o.By, o.Since, o.Until}
}
