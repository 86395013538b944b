package act

import "time"

// SourceRule is a source of outgoing mail as the configuration has it.
type SourceRule struct {
	Name    string     // its address, or the server that mail goes through
	Address string     // "": none
	EHLO    string     // name in EHLO
	Pool    string     // "": of accounts without one
	Standby bool       // it takes mail only while no other is in good standing
	Since   *time.Time // it takes no mail before
	WarmUp  int        // messages to one provider on its first day there; 0: no warm-up
}

// SourceUse is what a running relay knows of a source.
type SourceUse struct {
	Gone      bool // the machine lacks its address
	Today     int  // messages
	Providers []ProviderUse
}

// ProviderUse is what a source sends to a provider.
type ProviderUse struct {
	Provider string `json:"provider" doc:"Name of its row; any other: all that have none."`
	Today    int    `json:"today" doc:"Messages since midnight UTC."`
	Ceiling  *int   `json:"ceiling" doc:"Of the warm-up, messages today; null: there is none, or no more."`
	Day      int    `json:"day" doc:"Of the warm-up: days with mail to it."`
	Blamed   bool   `json:"blamed" doc:"A reply today was about the address, so the ceiling does not grow."`
}

// SourceFinding is what was found about a source.
type SourceFinding struct {
	Check  string `json:"check" doc:"address, PTR, EHLO, SPF, blocklists or way."`
	Status string `json:"status" enum:"ok,warning,failed"`
	Detail string `json:"detail"`
	Advice string `json:"advice" doc:"The next step; empty: nothing is to be done."`
}
