package words

import (
	"strings"

	toml "github.com/pelletier/go-toml/v2"
)

// TOMLError is the line of an error of the TOML package, and its text without names of
// Go types.
func TOMLError(e *toml.DecodeError) (line int, text string) {
	line, _ = e.Position()
	text, _, _ = strings.Cut(strings.TrimPrefix(e.Error(), "toml: "), " into ")
	text = strings.Replace(text, "cannot decode TOML", "cannot be of type", 1)
	if strings.HasSuffix(text, "at start of value") {
		text += ", as of a text without its quotes"
	}
	if len(e.Key()) > 0 {
		text = strings.Join(e.Key(), ".") + ": " + text
	}
	return line, text
}
