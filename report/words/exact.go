package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ExactSpan is a duration as one would write it, with nothing lost.
func ExactSpan(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprint(int64(d/day), "d")
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// ExactSize is a size as one would write it, with nothing lost.
func ExactSize(n int64) string {
	for _, unit := range []struct {
		octets int64
		name   string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}} {
		if n >= unit.octets && n%unit.octets == 0 {
			return strconv.FormatInt(n/unit.octets, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}
