package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// sampleKeyRE is a key of the sample with its value, and what it is for.
var sampleKeyRE = regexp.MustCompile(`^([a-z_]+)( *= *)(.*?)( +# .*)?$`)

// configFor is the sample for a host: what was chosen is set, everything else is
// a comment that shows the default, so that later defaults hold.
func configFor(hostname, dataDir string) string {
	chosen := map[string]string{"hostname": hostname, "data_dir": dataDir}
	var b strings.Builder
	fmt.Fprintf(&b, "# relay.toml of %s, written by relay init.\n# A key behind # shows its default, which holds; take the # away to change it.\n# relay check says what is wrong with this file.\n", hostname)
	table := ""
	for line := range strings.Lines(sampleConfig) {
		line = strings.TrimRight(line, "\n")
		m := sampleKeyRE.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "# Every key"): // the sample's own heading
			continue
		case strings.HasPrefix(line, "[["): // a table that stands for itself would be one more
			table, line = line, "#"+line
		case strings.HasPrefix(line, "["):
			table = line
		case m != nil && table == "" && chosen[m[1]] != "":
			line = aligned(m[1]+m[2]+quoteTOML(chosen[m[1]]), m)
		case m != nil:
			line = aligned("#"+m[1]+m[2]+m[3], m)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// aligned is a key with its comment in the column where the sample has it.
func aligned(key string, m []string) string {
	comment := strings.TrimSpace(m[4])
	if comment == "" {
		return key
	}
	column := len(m[0]) - len(comment)
	return pad(key, max(column, len(key)+gap), false) + comment
}

// quoteTOML is a basic string (TOML 1.0). Go's notation is the same but for
// what cannot be seen.
func quoteTOML(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	return `"` + b.String() + `"`
}
