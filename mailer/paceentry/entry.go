// Package paceentry is how the store keeps the speed of mail: the keys and values of its
// entries on sites, accounts and sources that are slower than their rows, and on warm-ups.
package paceentry

import (
	"encoding/json"
	"time"

	"relay/mailer/pace"
	"relay/mailer/source"
	"relay/store/sites"
)

// Beginnings of keys; what follows them is named.
const (
	StopKey    = "stop\x00"    // site
	SiteKey    = "site\x00"    // site
	AccountKey = "account\x00" // account NUL provider
)

// Stop is the entry that a site told us to stop.
func Stop(key string, st pace.State) sites.PaceEntry { return Of(StopKey+key, st) }

// Of is the entry with a value, which is a plain struct.
func Of(key string, v any) sites.PaceEntry {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return sites.PaceEntry{Key: key, Value: raw}
}

// SentKey begins the keys of what a source has sent; the source follows.
const SentKey = "sent\x00"

// Use is what a source has sent on a day, as the store has it.
type Use struct {
	Day  int64          `json:"day"`
	Sent map[string]int `json:"sent"` // by provider
}

// WarmKey begins the keys of warm-ups; source, NUL and provider follow.
const WarmKey = "warm\x00"

// Warmed changes a stored warmth by n messages, and by a reply about the address.
func Warmed(first, n int, blamed bool, now time.Time) func(old []byte) []byte {
	day := source.Day(now)
	return func(old []byte) []byte {
		w := ReadWarmth(old).At(day, first)
		w.Send(n)
		w.Blamed = w.Blamed || blamed
		return Of("", w).Value
	}
}

// ReadWarmth reads a value that Warmed wrote.
func ReadWarmth(raw []byte) (w source.Warmth) {
	_ = json.Unmarshal(raw, &w) // what cannot be read begins again: the safe side
	return w
}
