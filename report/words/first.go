package words

import "strings"

// Shown is how many of many things a line names.
const Shown = 5

// First joins the names of the first of n things.
func First(list []string, n int) string {
	text := strings.Join(list, ", ")
	if n > len(list) {
		text += ", …"
	}
	return text
}
