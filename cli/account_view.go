package cli

import (
	"fmt"
	"strings"
	"time"

	"relay/quota"
	"relay/store"
)

// accountView is an account as programs see it.
type accountView struct {
	Account   string     `json:"account"`
	Plan      string     `json:"plan"`
	Terms     quota.Plan `json:"terms"`   // as they were bought; 0: unlimited
	State     string     `json:"state"`   // pending, active, suspended, expired or closed
	Reason    string     `json:"reason"`  // of a suspension
	Contact   string     `json:"contact"` // "": none
	AtLimit   string     `json:"at_limit"`
	Senders   []string   `json:"senders"` // empty: any
	Created   time.Time  `json:"created"`
	Activated time.Time  `json:"activated,omitzero"`
	TermEnd   time.Time  `json:"term_end,omitzero"` // it sends until then
	Logins    []string   `json:"logins,omitempty"`
	Networks  []string   `json:"networks,omitempty"`
}

func (c *call) accountView(a *store.Account) accountView {
	v := accountView{
		Account: a.Name, State: string(a.Status()), Reason: a.Reason, Terms: a.Plan(c.now()),
		Contact: a.Contact, AtLimit: string(a.AtLimit), Senders: a.Senders, Created: a.Created, Activated: a.Activated(),
		TermEnd: a.TermEnd(),
	}
	if v.Senders == nil {
		v.Senders = []string{}
	}
	v.Plan = v.Terms.Name
	if a.State == store.Active && !c.now().Before(v.TermEnd) {
		v.State = "expired"
	}
	return v
}

func (c *call) showAccount(a *store.Account) error {
	v := c.accountView(a)
	creds, err := c.st.Credentials(a.Name)
	if err != nil {
		return err
	}
	for _, cred := range creds {
		v.Logins = append(v.Logins, cred.Login)
	}
	nets, err := c.st.Networks(a.Name)
	if err != nil {
		return err
	}
	for _, n := range nets {
		v.Networks = append(v.Networks, n.Prefix.String())
	}
	if c.json {
		return encode(c.Stdout, v)
	}
	state := v.State
	if v.Reason != "" {
		state += ": " + v.Reason
	}
	return writeFields(c.Stdout, []field{
		{"account", v.Account},
		{"state", state},
		{"plan", planText(&v.Terms)},
		{"term ends", c.stamp(v.TermEnd)},
		{"at limit", v.AtLimit},
		{"contact", v.Contact},
		{"senders", orElse(strings.Join(v.Senders, ", "), "any")},
		{"logins", orElse(strings.Join(v.Logins, ", "), "none")},
		{"networks", strings.Join(v.Networks, ", ")},
		{"created", c.stamp(v.Created)},
	})
}

// planText is a plan in one line.
func planText(p *quota.Plan) string {
	emails, bandwidth := "any number of e-mails", "any bandwidth"
	if p.Emails > 0 {
		emails = plural(p.Emails, "e-mail")
	}
	if p.Bandwidth > 0 {
		bandwidth = size(p.Bandwidth)
	}
	return fmt.Sprintf("%s: %s and %s %s, up to %s a message", p.Name, emails, bandwidth, perPeriod(p.Term),
		plural(int64(p.MaxRecipients()), "recipient"))
}

// perPeriod is the stretch of time that the allowance of a term is for.
func perPeriod(t quota.Term) string {
	if t == quota.Month {
		return "in 30 days"
	}
	return "a month"
}

// allowed is text, or that there is no limit.
func allowed(n int64, text string) string {
	if n == 0 {
		return "unlimited"
	}
	return text
}

func (c *call) stamp(t time.Time) string { return stamp(t, c.st.Zone()) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
