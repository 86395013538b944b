package records

import (
	"context"
	"errors"
	"slices"

	"relay/mailer/route"
	"relay/mailer/spf"
	"relay/store"
)

// Names asks the DNS, in the ways of route.Resolver.
type Names interface {
	spf.Resolver
	LookupCNAME(ctx context.Context, name string) (string, error)
}

// Shown reports whether the DNS shows a key below the zone of the operator, where all
// labels have it. What is asked for is a label that nobody has.
func Shown(ctx context.Context, n Names, zone string, k *store.SigningKey) (bool, error) {
	d := store.Domain{Label: "any"}
	return published(ctx, n, d.Target(k.Selector, zone), k)
}

// published reports whether a name has the record of a key.
func published(ctx context.Context, n Names, name string, k *store.SigningKey) (bool, error) {
	texts, err := n.LookupTXT(ctx, name)
	if err != nil && !errors.Is(err, route.ErrNotFound) {
		return false, err
	}
	return slices.ContainsFunc(texts, k.Publishes), nil
}

// Delegated are the selectors at which a domain leads to the keys, by an alias with its own
// label. A key that the operator has not published yet is none of the domain's faults.
func Delegated(ctx context.Context, n Names, d *store.Domain, zone string, selectors []string) (list []string, err error) {
	for _, s := range selectors {
		to, err := alias(ctx, n, d.Alias(s))
		if err != nil {
			return nil, err
		}
		if to == d.Target(s, zone) {
			list = append(list, s)
		}
	}
	return list, nil
}

// alias is where a name leads; "": nowhere.
func alias(ctx context.Context, n Names, name string) (string, error) {
	to, err := n.LookupCNAME(ctx, name)
	if errors.Is(err, route.ErrNotFound) {
		return "", nil
	}
	return to, err
}
