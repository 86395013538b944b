package pace

import (
	"fmt"
	"strings"
)

// Limits of one source at a site.
type Limits struct {
	Connections int // at once
	Messages    int // in one connection; 0: any number
	Rate        int // messages a minute; 0: any number
	Opens       int // connections begun in a minute; 0: any number
	Recipients  int // in one transaction; 0: as many as SMTP demands
}

// String is for people: 3 connections, 50 messages each, 100 a minute.
func (l Limits) String() string {
	parts := []string{fmt.Sprintf("%d connections", l.Connections)}
	if l.Connections == 1 {
		parts[0] = "1 connection"
	}
	if l.Messages > 0 {
		parts = append(parts, fmt.Sprintf("%d messages each", l.Messages))
	}
	if l.Rate > 0 {
		parts = append(parts, fmt.Sprintf("%d a minute", l.Rate))
	} else {
		parts = append(parts, "any number a minute")
	}
	return strings.Join(parts, ", ")
}

// Profile says how much of a provider's limits is used.
type Profile string

// The profiles. Full has the connections of Normal and no rate.
const (
	Prudent Profile = "prudent"
	Normal  Profile = "normal"
	Full    Profile = "full"
)

// Profiles lists all, the slowest first.
var Profiles = []Profile{Prudent, Normal, Full}

// Slower returns the slower one of two.
func Slower(a, b Profile) Profile {
	for _, p := range Profiles {
		if p == a || p == b {
			return p
		}
	}
	return Normal
}
