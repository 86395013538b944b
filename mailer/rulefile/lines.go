package rulefile

import (
	"regexp"
	"strings"
)

// Lines has the line numbers of a file's tables of one name, such as [[rule]], and of their
// keys.
type Lines struct {
	Other  map[string]int   // keys before the first of the tables
	tables []map[string]int // by key; "" is the table's head
}

var keyRE = regexp.MustCompile(`^["']?([A-Za-z0-9_.-]+)["']?\s*=`)

// LinesOf finds the tables of a name.
func LinesOf(text []byte, name string) *Lines {
	head := regexp.MustCompile(`^\[\[\s*` + regexp.QuoteMeta(name) + `\s*\]\]`)
	l, n := &Lines{Other: map[string]int{}}, 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if head.MatchString(line) {
			l.tables = append(l.tables, map[string]int{"": n})
			continue
		}
		m := keyRE.FindStringSubmatch(line)
		switch last := len(l.tables) - 1; {
		case m == nil:
		case last < 0:
			l.Other[m[1]] = n
		default:
			l.tables[last][m[1]] = n
		}
	}
	return l
}

// Of returns the line of a table's key, or of its head if the key is "" or not found; 0: the
// file uses another notation of TOML.
func (l *Lines) Of(table int, key string) int {
	if table < 0 || table >= len(l.tables) {
		return 0
	}
	if n, ok := l.tables[table][key]; ok {
		return n
	}
	return l.tables[table][""]
}
