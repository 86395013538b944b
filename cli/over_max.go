package cli

import (
	"fmt"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
	"relay/report/words"
)

// overFlag is a ceiling of overage as it is typed.
type overFlag struct {
	n   int64 // octets; 0: default, quota.Uncapped: none
	set bool
}

func (f *overFlag) String() string { return "" }
func (f *overFlag) Set(text string) (err error) {
	f.set = true
	f.n, err = parseOverMax(text)
	return err
}

// parseOverMax of a flag or of a file of plans.
func parseOverMax(text string) (int64, error) {
	switch text {
	case "none":
		return quota.Uncapped, nil
	case "default":
		return 0, nil
	}
	n, err := words.ParseSize(text)
	if err == nil && n <= 0 {
		err = fmt.Errorf("%q: more than 0, none or default", text)
	}
	return n, err
}

func (f *overFlag) flag(usual string) cli.Flag {
	return &cli.GenericFlag{Name: "over-max", Usage: "`SIZE` of overage in a month at most: 5GB (or: none, default: " + usual + ")", Value: f}
}

// take over what was given.
func (f *overFlag) take(to *int64) {
	if f.set {
		*to = f.n
	}
}

// viewCeiling is what programs see of a ceiling in octets: null where there is none.
func viewCeiling(most int64) *int64 {
	if most == quota.Endless {
		return nil
	}
	return &most
}

// atLimitText is what happens at the limit of a plan, whatever was chosen on another
// one, and how far it goes.
func atLimitText(limit quota.AtLimit, own int64, p *quota.Plan) string {
	switch {
	case p.Name != "" && !p.Allows(limit) && len(p.Choices()) == 1:
		return string(p.Choices()[0]) + ", the only choice on this plan"
	case limit != quota.Continue:
		return string(limit)
	}
	return string(limit) + ", " + ceilingText(p.Ceiling(own))
}

func ceilingText(most int64) string {
	if most == quota.Endless {
		return "without a ceiling of overage"
	}
	return "up to " + wholeSize(most) + " of overage a month"
}

// mostText is a plan's ceiling, behind the word overage.
func mostText(most int64) string {
	if most == quota.Endless {
		return "without a ceiling"
	}
	return "up to " + wholeSize(most) + " a month"
}
