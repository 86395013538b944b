package finding

import (
	"strings"
	"testing"
)

func TestFinding_Write(t *testing.T) {
	long := strings.Repeat("word ", 15)
	for _, c := range []struct {
		name     string
		finding  Finding
		coloured bool
		want     string
	}{
		{"plain", Finding{Check: "disk", Status: Warning, Detail: "nearly full", Advice: "make space"}, false,
			"  warning  disk  nearly full\n                 → make space\n"},
		{"coloured", Finding{Check: "disk", Status: Warning, Detail: "nearly full", Advice: "make space"}, true,
			"  \x1b[33mwarning\x1b[0m  disk  nearly full\n                 → make space\n"},
		{"without advice", Finding{Check: "clock", Status: OK, Detail: "right"}, false,
			"  ok       clo…  right\n"},
		{"errors of several lines", Finding{Check: "disk", Status: Failed, Detail: "read\nwrite"}, false,
			"  failed   disk  read; write\n"},
		{"longer than a line", Finding{Check: "disk", Status: Failed, Detail: long, Advice: long}, false,
			"  failed   disk  word word word word word word word word word word word word\n                 word word word\n" +
				"                 → word word word word word word word word word word word word\n                   word word word\n"},
	} {
		var out strings.Builder
		if err := c.finding.Write(&out, len("disk"), c.coloured); err != nil || out.String() != c.want {
			t.Errorf("%s:\n%s%v, want:\n%s", c.name, out.String(), err, c.want)
		}
	}
}
