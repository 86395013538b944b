package cli

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

// systemConfig is read when no other file is named.
const systemConfig = "/etc/relay/relay.toml"

// load finds and reads the configuration: the named file, else the system's,
// else there is none and the defaults hold. It fails with exit code 78.
func (p *program) load() (Config, error) {
	path := p.config
	if path == "" {
		path = p.getenv("RELAY_CONFIG")
	}
	named := path != ""
	if !named {
		path = systemConfig
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return Default(), nil
	}
	if err != nil {
		return Config{}, exit.Fail(exit.Config, "it must be there and readable for this user; --config and RELAY_CONFIG name another file", "configuration: %w", err)
	}
	c, err := ReadConfig(path, text)
	c.findCredentials(p.getenv("CREDENTIALS_DIRECTORY"))
	return c, err
}

// ReadConfig reads the text of a configuration file over the defaults and
// checks it. All that is wrong is told at once.
func ReadConfig(path string, text []byte) (Config, error) {
	c := Default()
	c.source = path
	text = bytes.TrimPrefix(text, []byte(orderMark))
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c)
	for i := range c.Listen {
		c.Listen[i].TLS = cmp.Or(c.Listen[i].TLS, usualTLS(c.Listen[i].Addr))
	}
	bad := &configError{path: path}
	unknown, strict := errors.AsType[*toml.StrictMissingError](err)
	wrong, broken := errors.AsType[*toml.DecodeError](err)
	switch {
	case err == nil:
		bad.add(linesOf(string(text)), c.problems())
	case strict:
		for i := range unknown.Errors {
			bad.problems = append(bad.problems, unknownKey(&unknown.Errors[i]))
		}
		bad.add(linesOf(string(text)), c.problems())
	case broken:
		bad.problems = []configProblem{decodeProblem(wrong)}
	default:
		bad.problems = []configProblem{{0, err.Error()}}
	}
	if bad.problems == nil {
		return c, nil
	}
	return Config{}, exit.Fail(exit.Config, "relay check shows them one by one", "%w", bad)
}

// orderMark is what some editors write at the beginning of a file. TOML knows none.
const orderMark = "\ufeff"

func unknownKey(e *toml.DecodeError) configProblem {
	line, _ := e.Position()
	key := strings.Join(e.Key(), ".")
	return configProblem{line, fmt.Sprintf("unknown key %q%s", key, words.DidYouMean(key, keyNames()))}
}

// decodeProblem leaves out what only means something to us.
func decodeProblem(e *toml.DecodeError) configProblem {
	line, _ := e.Position()
	text, _, _ := strings.Cut(strings.TrimPrefix(e.Error(), "toml: "), " into ")
	text = strings.Replace(text, "cannot decode TOML", "cannot be of type", 1)
	if strings.HasSuffix(text, "at start of value") {
		text += ", as of a text without its quotes"
	}
	if len(e.Key()) > 0 {
		text = strings.Join(e.Key(), ".") + ": " + text
	}
	return configProblem{line, text}
}

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
