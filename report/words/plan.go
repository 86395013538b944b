package words

import "relay/quota"

// Allowance is "9,000 e-mails and 90 MB"; nil is no limit.
func Allowance(emails, bytes *int64) string {
	switch {
	case emails == nil && bytes == nil:
		return "unlimited"
	case emails == nil:
		return FineSize(*bytes)
	case bytes == nil:
		return Plural(*emails, "e-mail")
	}
	return Plural(*emails, "e-mail") + " and " + FineSize(*bytes)
}

// PerPeriod is the stretch of time that the allowance of a term is for.
func PerPeriod(t quota.Term) string {
	if t == quota.Month {
		return "in 30 days"
	}
	return "a month"
}

// Units is an amount of credit or overage in the unit of the plan.
func Units(n int64, unit string) string {
	if unit == "bytes" {
		return FineSize(n)
	}
	return Plural(n, "e-mail")
}
