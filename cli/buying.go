package cli

import (
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
)

// buying is what a customer chooses beside a plan (M21, M22, M34).
type buying struct{ method, reference, terms string }

// orderFlags are those of an order on an account.
func (b *buying) orderFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "method", Usage: "`METHOD` how its invoice is paid (default the account's)", Destination: &b.method},
		&cli.StringFlag{Name: "reference", Usage: "`TEXT` of the customer's own on its invoice (default the account's)", Destination: &b.reference},
	}
}

// accountFlags are those of an account, for all orders to come.
func (b *buying) accountFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "method", Usage: "`METHOD` how its invoices are paid, see [[payment]] (or: none)", Destination: &b.method},
		&cli.StringFlag{Name: "reference", Usage: "`TEXT` of the customer's own on invoices and letters (or: none)", Destination: &b.reference},
		&cli.StringFlag{Name: "terms", Usage: "`VERSION` of your terms of service that the customer agreed to, now", Destination: &b.terms},
	}
}

func (b *buying) given() bool { return b.method+b.reference+b.terms != "" }

const (
	widestReference = 80 // characters of a customer's own reference
	widestVersion   = 40 // of the version of terms
)

func (b *buying) check() error {
	for _, f := range []struct {
		name, text string
		most       int
	}{{"--reference", b.reference, widestReference}, {"--terms", b.terms, widestVersion}} {
		if f.text != "" && strings.TrimSpace(term.Clean(f.text)) == "" || len([]rune(f.text)) > f.most || term.Clean(f.text) != f.text {
			return exit.Usage("", "%s: one line of plain text, up to %d characters", f.name, f.most)
		}
	}
	return nil
}

// apply sets what was given.
func (b *buying) apply(a *store.Account) {
	take(&a.Method, b.method)
	take(&a.Reference, strings.TrimSpace(b.reference))
	if b.terms != "" {
		a.Consent = store.Consent{Version: strings.TrimSpace(b.terms)}
	}
}

// order says it for one order only.
func (b *buying) order(o *store.Order) {
	o.Method, o.Reference = shell.NotNone(b.method), strings.TrimSpace(b.reference)
}

// choose takes over how an order is paid.
func (c *call) choose(b *buying, o *store.Order, a *store.Account) error {
	if err := b.check(); err != nil {
		return err
	}
	b.order(o)
	return c.mayPayBy(o.Method, a.Owner)
}

// mayPayBy fails for a method that the customer of an account cannot choose.
func (c *call) mayPayBy(method, owner string) error {
	if method == "" || method == "none" {
		return nil
	}
	offered := c.payMethods()
	if !slices.Contains(offered, method) {
		return exit.Usage("", "--method %q: one of %s%s", method, strings.Join(offered, ", "), words.DidYouMean(method, offered))
	}
	countries := c.countriesOf(method)
	if len(countries) == 0 {
		return nil
	}
	country := ""
	if owner != "" {
		customer, err := c.st.Customer(owner)
		if err != nil {
			return notListed(err, "customer", owner)
		}
		country = customer.Country
	}
	switch {
	case country == "" && owner == "":
		return exit.Fail(exit.Failed, "add one with --country, and name it with --owner: relay customer add CUSTOMER --country CODE", "%s is for customers of some countries only, and the account has no customer whose country is known", method)
	case country == "":
		return exit.Fail(exit.Failed, "relay customer set "+owner+" --country CODE", "%s is for customers of some countries only, and the country of %s is not known", method, owner)
	case !slices.Contains(countries, country):
		return exit.Fail(exit.Failed, "choose another method of payment", "%s is not for customers in %s: only in %s", method, country, strings.Join(countries, ", "))
	}
	return nil
}

// payMethods are those that a customer can choose.
func (c *call) payMethods() (list []string) {
	if c.cfg == nil || len(c.cfg.Payment) == 0 {
		return store.Methods
	}
	for _, p := range c.cfg.Payment {
		list = append(list, p.Method)
	}
	return list
}

func (c *call) countriesOf(method string) []string {
	if c.cfg == nil {
		return nil
	}
	for _, p := range c.cfg.Payment {
		if p.Method == method {
			return p.Countries
		}
	}
	return nil
}

// consentView is what a customer agreed to, and when.
type consentView struct {
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
}

func viewConsent(c store.Consent) *consentView {
	if c.Version == "" {
		return nil
	}
	return &consentView{c.Version, c.Time}
}

// consentText is that for people; "": to nothing.
func (c *call) consentText(v store.Consent) string {
	if v.Version == "" {
		return ""
	}
	return "version " + v.Version + ", at " + c.stamp(v.Time)
}
