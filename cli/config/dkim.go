package config

import (
	"cmp"
	"strings"

	"relay/store/signing"
)

// DKIM is the [dkim] section: how mail of delegated domains is signed.
type DKIM struct {
	Zone    string `toml:"zone"`
	Ed25519 bool   `toml:"ed25519"`
}

var dkimKeys = Section{Name: "dkim", Beside: "how mail of your customers' domains is signed", Keys: []Key{
	{"zone", "", unlessEmpty(isHost), OnReload, `below it you publish the keys; customers' domains lead there; default hostname`},
	{"ed25519", false, nil, OnReload, `a second, Ed25519 signature beside RSA, with two more records`},
}}

// SigningZone is the name below which the keys are published.
func (c *Config) SigningZone() string { return strings.ToLower(cmp.Or(c.DKIM.Zone, c.Host())) }

// SigningPairs are the pairs of selectors in use.
func (c *Config) SigningPairs() [][2]string {
	pairs := [][2]string{signing.RSASelectors}
	if c.DKIM.Ed25519 {
		pairs = append(pairs, signing.Ed25519Selectors)
	}
	return pairs
}
