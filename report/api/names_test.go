package api

import (
	"context"
	"net/netip"

	"relay/mailer/records"
	"relay/mailer/route"
	"relay/report/api/act"
	"relay/store"
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
	return &act.Rules{Zone: "relay.example", Pairs: [][2]string{store.Ed25519Selectors}} // which are made fast
}
