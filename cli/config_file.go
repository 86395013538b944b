package cli

import (
	"bytes"
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
		return Config{}, fail(exitConfig, "", "configuration: %w", err)
	}
	return ReadConfig(path, text)
}

// ReadConfig reads the text of a configuration file over the defaults and
// checks it. All that is wrong is told at once.
func ReadConfig(path string, text []byte) (Config, error) {
	c := Default()
	c.source = path
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c)
	var bad []string
	unknown, strict := errors.AsType[*toml.StrictMissingError](err)
	wrong, broken := errors.AsType[*toml.DecodeError](err)
	switch {
	case err == nil:
		bad = c.problems()
	case strict:
		for i := range unknown.Errors {
			bad = append(bad, unknownKey(&unknown.Errors[i]))
		}
		bad = append(bad, c.problems()...)
	case broken:
		bad = []string{decodeProblem(wrong)}
	default:
		bad = []string{err.Error()}
	}
	if bad == nil {
		return c, nil
	}
	return Config{}, fail(exitConfig, "", "configuration %s: %s", path, strings.Join(bad, "; "))
}

func unknownKey(e *toml.DecodeError) string {
	line, _ := e.Position()
	key := strings.Join(e.Key(), ".")
	return fmt.Sprintf("line %d: unknown key %q%s", line, key, didYouMean(key, configKeys()))
}

// decodeProblem leaves out what only means something to us.
func decodeProblem(e *toml.DecodeError) string {
	line, _ := e.Position()
	text, _, _ := strings.Cut(strings.TrimPrefix(e.Error(), "toml: "), " into ")
	text = strings.Replace(text, "cannot decode TOML", "cannot be of type", 1)
	if len(e.Key()) > 0 {
		text = strings.Join(e.Key(), ".") + ": " + text
	}
	return fmt.Sprintf("line %d: %s", line, text)
}
