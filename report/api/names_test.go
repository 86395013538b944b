package api

import (
	"context"
	"net/netip"

	"relay/mailer/records"
	"relay/mailer/route"
	"relay/report/api/act"
	"relay/store/signing"
)

// nowhere is a DNS that knows no name.
type nowhere struct{}

func (nowhere) LookupTXT(context.Context, string) ([]string, error) { return nil, route.ErrNotFound }
func (nowhere) LookupCNAME(context.Context, string) (string, error) { return "", route.ErrNotFound }
func (nowhere) LookupMX(context.Context, string) ([]route.MX, error) {
	return nil, route.ErrNotFound
}
func (nowhere) LookupAddrs(context.Context, string) ([]netip.Addr, error) {
	return nil, route.ErrNotFound
}
func (nowhere) LookupPTR(context.Context, netip.Addr) ([]string, error) {
	return nil, route.ErrNotFound
}

func noNames() (records.Names, error) { return nowhere{}, nil }

// signingRules has keys published below a zone.
func signingRules() *act.Rules {
	return &act.Rules{Zone: "relay.example", Pairs: [][2]string{signing.Ed25519Selectors},
		Sources: []act.SourceRule{{Name: "192.0.2.25", Address: "192.0.2.25", EHLO: "relay.example", WarmUp: 50}, {Name: "mail.example:587", EHLO: "relay.example", Pool: "own", Standby: true}}} // which are made fast
}
