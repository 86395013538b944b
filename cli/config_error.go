package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// configError is all that is wrong with a configuration file.
type configError struct {
	path     string
	problems []configProblem
}

type configProblem struct {
	line int // 0: it is not one line's
	text string
}

func (e *configError) Error() string {
	list := make([]string, len(e.problems))
	for i, p := range e.problems {
		list[i] = p.text
		if p.line > 0 {
			list[i] = fmt.Sprintf("line %d: %s", p.line, p.text)
		}
	}
	return "configuration " + e.path + ": " + strings.Join(list, "; ")
}

// place of a problem, as editors and compilers write it.
func (e *configError) place(p configProblem) string {
	if p.line == 0 {
		return e.path
	}
	return e.path + ":" + strconv.Itoa(p.line)
}

// add takes what Validate says, which begins with the key.
func (e *configError) add(lines keyLines, problems []string) {
	for _, text := range problems {
		key, _, _ := strings.Cut(text, ":")
		e.problems = append(e.problems, configProblem{lines.of(key), text})
	}
}

// keyLines are the lines on which the keys of a file stand: "limits.errors",
// "listen[1].addr", and the tables themselves.
type keyLines map[string]int

var (
	tableRE = regexp.MustCompile(`^\[\s*([A-Za-z0-9_]+)\s*\]`)
	arrayRE = regexp.MustCompile(`^\[\[\s*([A-Za-z0-9_]+)\s*\]\]`)
	keyRE   = regexp.MustCompile(`^([A-Za-z0-9_.]+)\s*=`)
)

// linesOf reads the plain notation, which is the one of the sample; what is
// written in other ways has no line, or its table's.
func linesOf(text string) keyLines {
	lines, table, count := keyLines{}, "", map[string]int{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if m := arrayRE.FindStringSubmatch(line); m != nil {
			table = fmt.Sprintf("%s[%d]", m[1], count[m[1]])
			count[m[1]]++
			lines[table] = n
			table += "."
		} else if m := tableRE.FindStringSubmatch(line); m != nil {
			lines[m[1]] = n
			table = m[1] + "."
		} else if m := keyRE.FindStringSubmatch(line); m != nil {
			lines[table+m[1]] = n
		}
	}
	return lines
}

// of a key, or of the nearest thing around it; 0: none.
func (l keyLines) of(key string) int {
	for {
		if n := l[key]; n > 0 {
			return n
		}
		end := strings.LastIndexAny(key, ".[")
		if end < 0 {
			return 0
		}
		key = key[:end]
	}
}
