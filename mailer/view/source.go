package view

import "relay/mailer/source"

// Source is what the mailer knows of a source.
type Source struct {
	source.Source
	Name    string
	Gone    bool // the machine lacks its address
	Drained bool
	Listed  bool
	Culprit string // account that stays while it is listed
	Today   int    // messages
	Use     []ProviderUse
}

// ProviderUse is what a source sends to a provider.
type ProviderUse struct {
	Provider string
	Today    int
	Warm     bool // its warm-up is not over
	Ceiling  int  // messages today
	Days     int  // with mail, of the warm-up
	Blamed   bool // a reply today was about the address
}
