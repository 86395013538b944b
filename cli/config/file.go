package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"

	toml "github.com/pelletier/go-toml/v2"

	"relay/cli/exit"
	"relay/report/words"
)

// SystemFile is read when no other file is named.
const SystemFile = "/etc/relay/relay.toml"

// Load finds and reads the configuration: the named file, else that of RELAY_CONFIG,
// else the system's; without the last the defaults hold. It fails with exit code 78.
func Load(name string, getenv func(string) string) (Config, error) {
	path := cmp.Or(name, getenv("RELAY_CONFIG"))
	text, err := os.ReadFile(cmp.Or(path, SystemFile))
	if errors.Is(err, fs.ErrNotExist) && path == "" {
		return Default(), nil
	}
	if err != nil {
		return Config{}, exit.Fail(exit.Config, "it must be there and readable for this user; --config and RELAY_CONFIG name another file", "configuration: %w", err)
	}
	c, err := Read(cmp.Or(path, SystemFile), text)
	c.findCredentials(getenv("CREDENTIALS_DIRECTORY"))
	return c, err
}

// Read reads the text of a configuration file over the defaults and checks it. Its
// error names everything that is wrong.
func Read(path string, text []byte) (Config, error) {
	c := Default()
	c.file = path
	text = bytes.TrimPrefix(text, []byte(orderMark))
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c)
	for i := range c.Listen {
		c.Listen[i].TLS = cmp.Or(c.Listen[i].TLS, usualTLS(c.Listen[i].Addr))
	}
	for i := range c.Source {
		c.Source[i].TLS = cmp.Or(c.Source[i].TLS, "opportunistic")
	}
	for i := range c.Route {
		c.Route[i].TLS = cmp.Or(c.Route[i].TLS, "opportunistic")
	}
	bad := &Error{path: path}
	unknown, strict := errors.AsType[*toml.StrictMissingError](err)
	wrong, broken := errors.AsType[*toml.DecodeError](err)
	switch {
	case err == nil:
		bad.add(linesOf(string(text)), c.problems())
	case strict:
		for i := range unknown.Errors {
			bad.Problems = append(bad.Problems, unknownKey(&unknown.Errors[i]))
		}
		bad.add(linesOf(string(text)), c.problems())
	case broken:
		bad.Problems = []Problem{DecodeProblem(wrong)}
	default:
		bad.Problems = []Problem{{0, err.Error()}}
	}
	if bad.Problems == nil {
		return c, nil
	}
	return Config{}, exit.Fail(exit.Config, "relay check shows them one by one", "%w", bad)
}

// orderMark is the byte order mark that some editors put before a text. TOML has none.
const orderMark = "\ufeff"

func unknownKey(e *toml.DecodeError) Problem {
	line, _ := e.Position()
	key := strings.Join(e.Key(), ".")
	return Problem{line, fmt.Sprintf("unknown key %q%s", key, words.DidYouMean(key, keyNames()))}
}

// DecodeProblem is the error of the TOML package without its names of Go types.
func DecodeProblem(e *toml.DecodeError) Problem {
	line, text := words.TOMLError(e)
	return Problem{line, text}
}

// Error lists everything that is wrong with a configuration file.
type Error struct {
	path     string
	Problems []Problem
}

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	Line int // 0: the problem belongs to no single line
	Text string
}

func (e *Error) Error() string {
	list := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p.Text
		if p.Line > 0 {
			list[i] = fmt.Sprintf("line %d: %s", p.Line, p.Text)
		}
	}
	return "configuration " + e.path + ": " + strings.Join(list, "; ")
}

// Place of a problem, as editors and compilers write it.
func (e *Error) Place(p Problem) string {
	if p.Line == 0 {
		return e.path
	}
	return e.path + ":" + strconv.Itoa(p.Line)
}

// add finds the lines of problems, which begin with the key.
func (e *Error) add(lines keyLines, problems []string) {
	for _, text := range problems {
		key, _, _ := strings.Cut(text, ":")
		e.Problems = append(e.Problems, Problem{lines.of(key), text})
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

// linesOf finds keys in the notation of the sample. A key that is written in another
// way has the line of its table, or none.
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
