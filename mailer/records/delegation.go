package records

import (
	"context"
	"errors"
	"slices"

	"relay/mailer/route"
	"relay/mailer/spf"
	"relay/store/signing"
)

// Names looks up DNS records; route.DNS implements it.
type Names interface {
	spf.Resolver
	LookupCNAME(ctx context.Context, name string) (string, error)
}

// Shown reports whether the DNS shows a key below the operator's zone. It asks for a label
// that no customer has, which the wildcard answers like any other.
func Shown(ctx context.Context, n Names, zone string, k *signing.Key) (bool, error) {
	d := signing.Domain{Label: "any"}
	return published(ctx, n, d.Target(k.Selector, zone), k)
}

// published reports whether the DNS has the key's record at a name.
func published(ctx context.Context, n Names, name string, k *signing.Key) (bool, error) {
	texts, err := n.LookupTXT(ctx, name)
	if err != nil && !errors.Is(err, route.ErrNotFound) {
		return false, err
	}
	return slices.ContainsFunc(texts, k.Publishes), nil
}

// Delegated returns the selectors whose CNAME leads to the target with the domain's own label.
// It does not look at the key there, since publishing it is the operator's task.
func Delegated(ctx context.Context, n Names, d *signing.Domain, zone string, selectors []string) (list []string, err error) {
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

// alias returns the target of a name's CNAME; "": it has none.
func alias(ctx context.Context, n Names, name string) (string, error) {
	to, err := n.LookupCNAME(ctx, name)
	if errors.Is(err, route.ErrNotFound) {
		return "", nil
	}
	return to, err
}
