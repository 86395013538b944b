package words

import (
	"fmt"
	"strconv"
	"strings"

	"relay/quota"
)

// Octets writes octets exactly, in the largest unit that they fill: "1.2 GB". It is for
// what is billed and agreed on.
func Octets(n int64) string {
	for _, u := range []struct {
		size   int64
		digits int
		name   string
	}{{1_000_000_000, 9, "GB"}, {1_000_000, 6, "MB"}, {1000, 3, "KB"}} {
		if n >= u.size {
			return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%0*d", n/u.size, u.digits, n%u.size), "0"), ".") + " " + u.name
		}
	}
	if n == 1 {
		return "1 octet"
	}
	return fmt.Sprintf("%d octets", n)
}

// unitsExactly of a plan: octets or e-mails.
func unitsExactly(n int64, kind quota.Kind) string {
	if kind == quota.Count {
		return strconv.FormatInt(n, 10) + " e-mails"
	}
	return Octets(n)
}
