package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	toml "github.com/pelletier/go-toml/v2"
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
		return Config{}, fail(exitConfig, "it must be there and readable for this user; --config and RELAY_CONFIG name another file", "configuration: %w", err)
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
	return Config{}, fail(exitConfig, "relay check shows them one by one", "%w", bad)
}

// usualTLS of a port, where the file does not name it.
func usualTLS(addr string) string {
	if strings.HasSuffix(addr, ":465") { // RFC 8314 §7.3
		return "implicit"
	}
	return "starttls"
}

// orderMark is what some editors write at the beginning of a file. TOML knows none.
const orderMark = "\ufeff"

func unknownKey(e *toml.DecodeError) configProblem {
	line, _ := e.Position()
	key := strings.Join(e.Key(), ".")
	return configProblem{line, fmt.Sprintf("unknown key %q%s", key, didYouMean(key, configKeys()))}
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
