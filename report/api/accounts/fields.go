package accounts

import (
	"slices"
	"strings"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/mailsyntax"
)

// AuthWarn is the auth of an account whose mail is taken even if nothing proves who it is
// from; the other is store.AuthRefuse.
const AuthWarn = "warn"

// AccountFields are the members of an account that requests to add and to change it may
// set. Empty text removes the present value.
type AccountFields struct {
	Contact   *string   `json:"contact,omitempty" doc:"Mail address where reports and notices go."`
	Language  *string   `json:"language,omitempty" doc:"Of mail to the customer: en, de or it; empty: as the configuration says."`
	Billing   *string   `json:"billing_contact,omitempty" doc:"Mail address where orders, invoices and receipts go; empty: the contact."`
	AbuseMail *string   `json:"abuse_contact,omitempty" doc:"Mail address that is told too when the account is suspended for abuse."`
	Notify    *[]string `json:"notify,omitempty" doc:"Topics that it is told about besides those it must know: usage, daily, month, domain, delivery, access, access-daily, or all, none or default alone."`
	AtLimit   string    `json:"at_limit,omitempty" doc:"suspend or continue, where the plan leaves the choice."`
	OverMax   *int64    `json:"over_max,omitempty" minimum:"-1" doc:"Octets of overage in a month at most; 0: as the plan says, -1: no ceiling."`
	Senders   *[]string `json:"senders,omitempty" doc:"Addresses or @domains that it may send from; empty: any."`
	Owner     *string   `json:"owner,omitempty" who:"operator" doc:"Customer whose account it is."`
	Reseller  *string   `json:"reseller,omitempty" who:"operator" doc:"Reseller that manages it."`
	Method    *string   `json:"method,omitempty" doc:"Of payment of its invoices."`
	Reference *string   `json:"reference,omitempty" doc:"The customer's own text on invoices and letters."`
	Profile   *string   `json:"profile,omitempty" who:"operator" doc:"How much of what providers take its mail may use: prudent, normal or full; empty: as the configuration says."`
	FirstCap  *int      `json:"first_cap,omitempty" who:"operator" minimum:"-1" doc:"Recipients a day that it may reach by MX for the first time; 0: as the configuration says, -1: any number."`
	Pool      *string   `json:"pool,omitempty" who:"operator" doc:"Of sources that its mail leaves by, where its plan allows it; empty: those of all others."`
	Service   *bool     `json:"service_signature,omitempty" who:"operator" doc:"Whether mail bears a second signature, of the operator's domain."`
	VERP      *bool     `json:"verp,omitempty" who:"operator" doc:"Whether reports about its mail come back to relay, which passes them on."`
	Auth      *string   `json:"auth,omitempty" doc:"What follows when nothing proves to receivers who a message is from: warn (it is taken and remarked) or refuse."`
	Terms     string    `json:"terms,omitempty" doc:"Version of the terms of service that the customer agrees to now."`
}

// apply sets the members that are given, except what happens at the limit.
func (f *AccountFields) apply(a *books.Account) error {
	if err := f.toldWhere(a); err != nil {
		return err
	}
	if f.Senders != nil {
		senders, err := senderList(*f.Senders)
		if err != nil {
			return err
		}
		a.Senders = senders
	}
	if err := f.check(); err != nil {
		return err
	}
	field.Set(&a.OverMax, f.OverMax)
	field.Set(&a.Owner, f.Owner)
	field.Set(&a.Reseller, f.Reseller)
	field.Set(&a.Method, f.Method)
	field.Set(&a.Profile, f.Profile)
	field.Set(&a.FirstCap, f.FirstCap)
	field.Set(&a.Pool, f.Pool)
	field.Set(&a.ServiceSignature, f.Service)
	field.Set(&a.VERP, f.VERP)
	if f.Auth != nil {
		a.Auth = words.If(*f.Auth != AuthWarn, *f.Auth)
	}
	if f.Reference != nil {
		a.Reference = strings.TrimSpace(*f.Reference)
	}
	if f.Terms != "" {
		a.Consent = ledger.Consent{Version: strings.TrimSpace(f.Terms)}
	}
	return nil
}

func (f *AccountFields) check() error {
	const widestVersion = 40 // characters
	if p := field.Or0(f.Profile); p != "" && !slices.Contains(books.Profiles, p) {
		return act.Invalid("profile", "", " %q: %s", p, strings.Join(books.Profiles, ", "))
	}
	if v := f.Auth; v != nil && *v != AuthWarn && *v != books.AuthRefuse {
		return act.Invalid("auth", "", " %q: warn or refuse", *v)
	}
	if err := CheckReference(field.Or0(f.Reference)); err != nil {
		return err
	}
	return oneLine("terms", f.Terms, widestVersion)
}

// CheckReference refuses what cannot be a customer's own reference; "" is none.
func CheckReference(text string) error {
	const widestReference = 80 // characters
	return oneLine("reference", text, widestReference)
}

func oneLine(name, text string, most int) error {
	if text != "" && strings.TrimSpace(words.Clean(text)) == "" || len([]rune(text)) > most || words.Clean(text) != text {
		return act.Invalid(name, "", ": one line of plain text, up to %d characters", most)
	}
	return nil
}

// limit takes over what is to happen at the limit of plan.
func (f *AccountFields) limit(a *books.Account, plan quota.Plan) error {
	switch quota.AtLimit(f.AtLimit) {
	case "":
	case quota.Suspend, quota.Continue:
		a.AtLimit = quota.AtLimit(f.AtLimit)
	default:
		return act.Invalid("at_limit", "", " %q: suspend or continue", f.AtLimit)
	}
	if a.AtLimit == "" || plan.Allows(a.AtLimit) {
		return nil
	}
	choices := plan.Choices()
	if a.AtLimit == quota.Continue {
		return act.Fail(act.Wrong, "use --at-limit "+string(choices[0])+", or a plan that allows more",
			"plan %q does not leave the choice to continue over its allowance", plan.Name)
	}
	return act.Fail(act.Wrong, "use --at-limit "+string(choices[0]), "plan %q does not leave the choice to %s at the limit", plan.Name, a.AtLimit)
}

// mostSenders of an account: they are looked through for each message.
const mostSenders = 100

// senderList checks what an account may send from: addresses and @domains, the domain's
// letters made small. The single word any, or nothing, is no restriction.
func senderList(list []string) ([]string, error) {
	if len(list) == 0 || (len(list) == 1 && list[0] == "any") {
		return nil, nil
	}
	if len(list) > mostSenders {
		return nil, act.Fail(act.Wrong, "name @domains", "%d senders: at most %d", len(list), mostSenders)
	}
	var out []string
	for _, s := range list {
		local, domain, found := strings.Cut(s, "@")
		if at := strings.LastIndexByte(s, '@'); at > 0 {
			local, domain = s[:at], s[at+1:]
		}
		probe := s
		if local == "" {
			probe = "any" + s
		}
		if !found || !mailsyntax.IsAddress(probe) {
			return nil, act.Fail(act.Wrong, "", "sender %q: an address, @domain or any", s)
		}
		out = append(out, local+"@"+strings.ToLower(domain))
	}
	return out, nil
}

// mayReturn refuses reverse-paths of relay's own where nothing that comes back is taken.
func mayReturn(s *act.Service, verp *bool) error {
	if field.Or0(verp) && s.Rules().Returns == "" {
		return act.Fail(act.Refused, "set listen in [bounce], and {serve} again: what comes back to addresses of relay would be lost", "relay does not take what comes back")
	}
	return nil
}

// MayPayBy fails for a method of payment that the customer of an account cannot choose;
// "" and none are no choice.
func MayPayBy(s *act.Service, method, owner string) error {
	if method == "" || method == "none" {
		return nil
	}
	offered, countries := methods(s, method)
	if !slices.Contains(offered, method) {
		return act.Invalid("method", "", " %q: one of %s%s", method, strings.Join(offered, ", "), words.DidYouMean(method, offered))
	}
	if len(countries) == 0 {
		return nil
	}
	country := ""
	if owner != "" {
		customer, err := s.Store.People.Customer(owner)
		if err != nil {
			return act.Unlisted(err, "customer", owner)
		}
		country = customer.Country
	}
	switch {
	case country == "" && owner == "":
		return act.Fail(act.Refused, "add one with --country, and name it with --owner: {customer add CUSTOMER --country CODE}", "%s is for some countries only, and the account has no customer with a country", method)
	case country == "":
		return act.Fail(act.Refused, "{customer set "+owner+" --country CODE}", "%s is for some countries only, and the country of %s is not known", method, owner)
	case !slices.Contains(countries, country):
		return act.Fail(act.Refused, "choose another method of payment", "%s is not for customers in %s: only in %s", method, country, strings.Join(countries, ", "))
	}
	return nil
}

// methods that customers can choose, and the countries of one of them.
func methods(s *act.Service, name string) (all, countries []string) {
	list := s.Rules().Methods
	if len(list) == 0 {
		return ledger.Methods, nil
	}
	for _, m := range list {
		all = append(all, m.Name)
		if m.Name == name && countries == nil {
			countries = m.Countries
		}
	}
	return all, countries
}
