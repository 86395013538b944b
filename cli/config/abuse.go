package config

import (
	"strconv"
	"strings"

	"relay/store/access"
	"relay/store/signs"
)

// Abuse is the [abuse] section: how much may come back of an account's mail.
type Abuse struct {
	ComplaintsWarn         int   `toml:"complaints_warn"`
	ComplaintsWarnShare    Share `toml:"complaints_warn_share"`
	ComplaintsSuspend      int   `toml:"complaints_suspend"`
	ComplaintsSuspendShare Share `toml:"complaints_suspend_share"`
	BouncesSlow            int   `toml:"bounces_slow"`
	BouncesSlowShare       Share `toml:"bounces_slow_share"`
	BouncesSuspend         int   `toml:"bounces_suspend"`
	BouncesSuspendShare    Share `toml:"bounces_suspend_share"`
	ListedSlow             int   `toml:"listed_slow"`
	ListedSlowShare        Share `toml:"listed_slow_share"`
	StolenFailedLogins     int   `toml:"stolen_failed_logins"`
	StolenRecipients       int   `toml:"stolen_recipients"`
}

var abuseKeys = Section{Name: "abuse", Before: `What may come back of an account's mail, by the day on which it was accepted and in seven
days. A number and a share of the mail go together: both must be reached. A number of 0
is no limit.`, Keys: []Key{
	{"complaints_warn", 3, countFrom(0), OnReload, `complaints at which customer and operator are told`},
	{"complaints_warn_share", shareOf("0.1%"), isShare, OnReload, `of the e-mails that were delivered`},
	{"complaints_suspend", 5, all(countFrom(0), notBefore("complaints_warn")), OnReload, `complaints at which the account is suspended`},
	{"complaints_suspend_share", shareOf("0.3%"), isShare, OnReload, `of the e-mails that were delivered`},
	{"bounces_slow", 20, countFrom(0), OnReload, `recipients that do not exist, at which the account is slowed down and both are told`},
	{"bounces_slow_share", shareOf("5%"), isShare, OnReload, `of the e-mails that were tried`},
	{"bounces_suspend", 50, all(countFrom(0), notBefore("bounces_slow")), OnReload, `at which it is suspended`},
	{"bounces_suspend_share", shareOf("10%"), isShare, OnReload, `of the e-mails that were tried`},
	{"listed_slow", 20, countFrom(0), OnReload, `refusals because a blocklist names the account's domain or links, at which it is slowed down`},
	{"listed_slow_share", shareOf("5%"), isShare, OnReload, `of the e-mails that were tried`},
	{"stolen_failed_logins", 5, countFrom(0), OnReload, `wrong passwords of a login within a day, before it is used from a new network; 0: none is held`},
	{"stolen_recipients", 50, countFrom(1), OnReload, `then so many recipients that the account never wrote to, beyond which the login is held`},
}}

// Share is a part, written "0.1%". A text that is none is kept, as in Size.
type Share struct {
	Millionths int64
	bad        string
}

// UnmarshalText never fails: see Config.Validate.
func (s *Share) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(string(text), "%")
	whole, part, _ := strings.Cut(strings.TrimSpace(number), ".")
	n, err := strconv.ParseUint(whole+part+strings.Repeat("0", max(4-len(part), 0)), 10, 32)
	*s = Share{Millionths: int64(n)}
	if !ok || err != nil || len(part) > 4 || n > 1_000_000 || whole == "" {
		*s = Share{bad: string(text)}
	}
	return nil
}

// String is how it stands in the file.
func (s Share) String() string {
	text := strconv.FormatFloat(float64(s.Millionths)/10_000, 'f', 4, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// shareOf is what a text of ours says.
func shareOf(text string) (s Share) {
	_ = s.UnmarshalText([]byte(text)) // Validate says what is wrong with it
	return s
}

func isShare(v *validator, key string, value any) {
	switch s := value.(Share); {
	case s.bad != "" || s.Millionths == 0:
		v.bad(key, "%q: a share such as \"0.1%%\", up to \"100%%\"", s.bad)
	}
}

// notBefore refuses a number that is reached before that of another key, which does less.
func notBefore(other string) check {
	return func(v *validator, key string, value any) {
		section, _, _ := strings.Cut(key, ".")
		n, least := int64(value.(int)), valueIn(v.table(section), other).Int()
		if n > 0 && n < least {
			v.bad(key, "%d: not below %s, which is %d", n, other, least)
		}
	}
}

// Theft says when a login is taken for stolen.
func (a *Abuse) Theft() access.Theft {
	return access.Theft{Failed: a.StolenFailedLogins, Recipients: int64(a.StolenRecipients)}
}

// Rules are the limits as the store has them.
func (a *Abuse) Rules() *signs.Rules {
	limit := func(n int, s Share) signs.Limit { return signs.Limit{Count: int64(n), Share: s.Millionths} }
	return &signs.Rules{
		ComplaintWarn:    limit(a.ComplaintsWarn, a.ComplaintsWarnShare),
		ComplaintSuspend: limit(a.ComplaintsSuspend, a.ComplaintsSuspendShare),
		BounceWarn:       limit(a.BouncesSlow, a.BouncesSlowShare),
		BounceSuspend:    limit(a.BouncesSuspend, a.BouncesSuspendShare),
		ListedSlow:       limit(a.ListedSlow, a.ListedSlowShare),
	}
}
