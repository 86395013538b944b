package cli

import "relay/quota"

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
