package money

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Rate of a tax, in millionths of the amount it is on: 220,000 is 22 %.
type Rate int64

const (
	percent    = 10_000 // a hundredth, in millionths
	basisPoint = 100
)

// BasisPoints is the rate of n hundredths of a percent.
func BasisPoints(n int64) Rate { return Rate(n) * basisPoint }

var rateRE = regexp.MustCompile(`^(\d{1,3})(?:[.,](\d{1,4}))? ?%$`)

// ParseRate reads a rate such as 22%, 8.875% or 5,5 %: from 0% to 100%, with up
// to four decimals.
func ParseRate(text string) (Rate, error) {
	m := rateRE.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, fmt.Errorf("%q is not a rate such as 22%% or 8.875%%", text)
	}
	n, err := strconv.ParseInt(m[1]+m[2]+strings.Repeat("0", 4-len(m[2])), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the rate %q: %w", text, err)
	}
	if n > 100*percent {
		return 0, fmt.Errorf("%q is more than 100%%", text)
	}
	return Rate(n), nil
}

// String is the rate as ParseRate reads it, "8.875%".
func (r Rate) String() string {
	sign := ""
	if r < 0 {
		sign, r = "-", -r
	}
	s := fmt.Sprintf("%s%d.%04d", sign, r/percent, r%percent)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

// BasisPoints is what the ledger counts taxes in. It fails for a rate that is
// finer than a hundredth of a percent.
func (r Rate) BasisPoints() (int64, error) {
	if r%basisPoint != 0 {
		return 0, fmt.Errorf("%s is finer than a hundredth of a percent, which taxes are counted in", r)
	}
	return int64(r) / basisPoint, nil
}
