package acme

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/crypto/acme"
)

// order is one try to get a certificate.
type order struct {
	*Options
	kind   string // of the proofs
	proofs *proofs
	asked  bool // the authority has counted the try
}

// get gets a certificate for all names. The key is new each time.
func (o *order) get(ctx context.Context) (pair []byte, err error) {
	client, err := o.client(ctx)
	if err != nil {
		return nil, err
	}
	o.asked = true
	placed, err := client.AuthorizeOrder(ctx, acme.DomainIDs(o.Names...))
	if err != nil {
		return nil, err
	}
	defer o.proofs.clear()
	for _, url := range placed.AuthzURLs {
		if err := o.prove(ctx, client, url); err != nil {
			return nil, err
		}
	}
	if placed, err = client.WaitOrder(ctx, placed.URI); err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	request, err := o.request(key)
	if err != nil {
		return nil, err
	}
	chain, _, err := client.CreateCertFromOrder(ctx, placed, request, true)
	if err != nil {
		return nil, err
	}
	return encodePair(key, chain)
}

// client is known to the authority when it returns.
func (o *order) client(ctx context.Context) (*acme.Client, error) {
	key, err := accountKey(o.Dir)
	if err != nil {
		return nil, err
	}
	way := http.DefaultTransport.(*http.Transport).Clone()
	way.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots}
	way.DisableKeepAlives = true // the next try is in two months
	client := &acme.Client{Key: key, DirectoryURL: o.Directory, HTTPClient: &http.Client{Transport: way, Timeout: time.Minute},
		UserAgent: "relay", RetryBackoff: retry}
	_, err = client.Register(ctx, &acme.Account{Contact: []string{"mailto:" + o.Contact}}, acme.AcceptTOS)
	if err != nil && !errors.Is(err, acme.ErrAccountAlreadyExists) {
		return nil, err
	}
	return client, nil
}

// retry tries a request again that the authority could not answer, twice and soon. What
// takes longer is for the next step. It is not asked again when it says that it was asked
// too often.
func retry(n int, _ *http.Request, answer *http.Response) time.Duration {
	if n > 2 || answer.StatusCode == http.StatusTooManyRequests {
		return 0
	}
	return time.Duration(n) * time.Second
}

// prove gives the authority the proof for one name. Names that it still trusts from an
// earlier order need none.
func (o *order) prove(ctx context.Context, client *acme.Client, url string) error {
	wanted, err := client.GetAuthorization(ctx, url)
	if err != nil {
		return err
	}
	if wanted.Status == acme.StatusValid {
		return nil
	}
	for _, c := range wanted.Challenges {
		if c.Type != o.kind {
			continue
		}
		if err := o.show(client, c, wanted.Identifier.Value); err != nil {
			return err
		}
		if _, err := client.Accept(ctx, c); err != nil {
			return err
		}
		_, err = client.WaitAuthorization(ctx, url)
		return err
	}
	return fmt.Errorf("the authority takes no proof by %s for %s", o.kind, wanted.Identifier.Value)
}

// show puts the proof where the authority looks for it.
func (o *order) show(client *acme.Client, c *acme.Challenge, name string) error {
	if o.kind == alpn01 {
		cert, err := client.TLSALPN01ChallengeCert(c.Token, name)
		if err != nil {
			return err
		}
		o.proofs.setCert(name, &cert)
		return nil
	}
	text, err := client.HTTP01ChallengeResponse(c.Token)
	if err != nil {
		return err
	}
	o.proofs.setPage(client.HTTP01ChallengePath(c.Token), text)
	return nil
}

func (o *order) request(key *ecdsa.PrivateKey) ([]byte, error) {
	r := &x509.CertificateRequest{DNSNames: o.Names}
	if len(o.Names[0]) <= 64 { // RFC 5280, ub-common-name
		r.Subject = pkix.Name{CommonName: o.Names[0]}
	}
	return x509.CreateCertificateRequest(rand.Reader, r, key)
}
