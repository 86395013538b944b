package config

import (
	"cmp"
	"time"

	"relay/cli/exit"
	"relay/report/jobs"
	"relay/report/jobs/calendar"
	"relay/report/letter"
	"relay/report/letter/wording"
	"relay/report/tell"
	"relay/report/words"
)

// Report is the [report] section: the mail that relay writes about itself.
type Report struct {
	From     string `toml:"from"`
	ReplyTo  string `toml:"reply_to"`
	Language string `toml:"language"`
	Operator string `toml:"operator"`
	Schedule string `toml:"schedule"`
	Near     int    `toml:"near"`
	Digest   string `toml:"digest"`
	Upgrade  string `toml:"upgrade_link"`
	Choice   string `toml:"choice_link"`
	Access   string `toml:"access_link"`
	Guides   string `toml:"guides"`
	Words    string `toml:"templates"`
}

var reportKeys = Section{Name: "report", Before: `The mail that relay writes to your customers, and to you. In the templates of
upgrade_link, choice_link and access_link, {account} and {plan} stand for the account and its plan.`, Keys: []Key{
	{"from", "", unlessEmpty(isContact), OnReload, `sender of that mail; default postmaster at the hostname`},
	{"reply_to", "", unlessEmpty(isContact), OnReload, `where answers of customers go; default contact of [billing], else from`},
	{"language", "en", oneOf(words.LanguageCodes()...), OnReload, `en | de | it: of customers, unless their account says otherwise, and yours`},
	{"operator", "", unlessEmpty(isContact), OnReload, `your own address, for what you are told; default contact of [billing]`},
	{"schedule", "30 8 * * *", isSchedule, OnReload, `when relay looks each day at what customers have used; cron's notation`},
	{"near", 90, isNear, OnReload, `percent of the allowance at which customers are told that the limit is near`},
	{"digest", "0 7 * * *", unlessEmpty(isSchedule), OnReload, `when you get a digest, if there is something in it; "" never`},
	{"upgrade_link", "", passes(letter.HowToChange.CheckLink), OnReload, `"https://www.example.org/upgrade?account={account}"; default none`},
	{"choice_link", "", passes(letter.HowToChange.CheckLink), OnReload, `where customers choose what happens at the limit, and which mail they get; default none`},
	{"access_link", "", passes(letter.HowToChange.CheckLink), OnReload, `where customers see and delete their logins; default none: they answer the mail`},
	{"guides", "", passes(letter.HowToChange.CheckLink), OnReload, `web address below which you publish docs/customers; default none`},
	{"templates", "", unlessEmpty(isFullPath), OnReload, `directory of your own words, LANGUAGE/KIND.txt; relay report list has the kinds; default none`},
}}

func isNear(v *validator, key string, value any) {
	if n := value.(int); n < 50 || n > 99 {
		v.bad(key, "%d: 50 to 99 percent", n)
	}
}

// ReplyTo is where answers of customers go; "": to the sender of the mail.
func (c *Config) ReplyTo() string { return cmp.Or(c.Report.ReplyTo, c.Billing.Contact) }

// Operator is the operator's own address; "": none is set.
func (c *Config) Operator() string { return cmp.Or(c.Report.Operator, c.Billing.Contact) }

// Templates are the words of mail: the operator's, where there are some, before relay's. They
// are good even with an error, which names what is wrong and left out.
func (r *Report) Templates() (*wording.Set, error) {
	set, err := tell.Templates(r.Words)
	if err != nil {
		err = exit.Fail(exit.Config, "relay report preview KIND shows a mail as it would be", "report.templates: %w", err)
	}
	return set, err
}

// Letters says how customers and operator are written to. The caller knows host and zone.
func (c *Config) Letters() jobs.Letters {
	b, r := &c.Billing, &c.Report
	from := ""
	if r.From != "" {
		from, _, _ = letter.Recipient(r.From)
	}
	return jobs.Letters{WarnDays: b.WarnDays, Config: tell.Config{
		Seller: b.SellerName(), From: from, Contact: c.ReplyTo(), Operator: c.Operator(), Language: r.Language,
		RenewLink: b.RenewLink, RenewText: b.RenewText, UpgradeLink: r.Upgrade, ChoiceLink: r.Choice, AccessLink: r.Access, Guides: r.Guides,
		Expire: c.Delivery.Expire.Duration}}
}

// Looks says when relay looks for what customers and operator are to be told.
func (c *Config) Looks() jobs.Looks {
	return jobs.Looks{Schedule: c.Report.Schedule, Near: c.Report.Near, Digest: c.Report.Digest}
}

// NextLook is when the next daily look is after a time.
func (c *Config) NextLook(t time.Time) time.Time {
	schedule, err := calendar.Parse(c.Report.Schedule)
	if err != nil { // there is no look
		return t
	}
	return schedule.Next(t.In(c.Zone()))
}
