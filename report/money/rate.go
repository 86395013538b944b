package money

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"relay/quota"
)

var rateRE = regexp.MustCompile(`^(\d{1,3})(?:[.,](\d{1,4}))? ?%$`)

// ParseRate reads a rate such as 22%, 8.875% or 5,5 %: from 0% to 100%, with up
// to four decimals.
func ParseRate(text string) (quota.Rate, error) {
	m := rateRE.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, fmt.Errorf("%q is not a rate such as 22%% or 8.875%%", text)
	}
	n, err := strconv.ParseInt(m[1]+m[2]+strings.Repeat("0", 4-len(m[2])), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the rate %q: %w", text, err)
	}
	if rate := quota.Rate(n); rate <= 100*quota.Percent {
		return rate, nil
	}
	return 0, fmt.Errorf("%q is more than 100%%", text)
}
