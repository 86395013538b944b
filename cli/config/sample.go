package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"relay/cli/term"
	"relay/report/words"
)

// sampleColumn is the column of the comments in the sample.
const sampleColumn = 37

// Sample is a relay.toml that shows every key with its default.
func Sample() string {
	return render("# Every key of relay.toml with its default. All may be left out.\n\n", "", nil)
}

// For is the sample for a host. The host's name and directory are set; every other key
// is a comment that shows its default, so that a new default of a later relay holds.
func For(hostname, dataDir string) string {
	head := fmt.Sprintf("# relay.toml of %s, written by relay init.\n# A key behind # shows its default, which holds; take the # away to change it.\n# relay check says what is wrong with this file.\n\n", hostname)
	return render(head, "#", map[string]string{"hostname": hostname, "data_dir": dataDir})
}

// sampled is the configuration that the sample writes out.
func sampled() *Config {
	c := Default()
	c.Listen, c.Payment = DefaultListen(), []PayBy{{Method: "bank"}}
	c.Source = []Source{{Address: "192.0.2.25", EHLO: "mail.example.org", TLS: "opportunistic"}}
	c.Route = []Route{{Domains: []string{"example.org"}, Host: "mail.example.net", TLS: "opportunistic", Connections: 20}}
	return &c
}

// render writes all sections. The mark goes before keys without a chosen value, and
// before [[tables]], which would replace the default ones.
func render(head, mark string, chosen map[string]string) string {
	var b strings.Builder
	b.WriteString(head)
	for i, s := range Sections() {
		if i > 0 {
			b.WriteString("\n")
		}
		commentOn(&b, s.Before)
		s.write(&b, mark, chosen)
		commentOn(&b, s.After)
	}
	return b.String()
}

// commentOn writes a paragraph as comment lines.
func commentOn(b *strings.Builder, text string) {
	for line := range strings.Lines(text) {
		b.WriteString("# " + strings.TrimSpace(line) + "\n")
	}
}

// write writes the tables of a section. The first of them says what the keys are for.
func (s *Section) write(b *strings.Builder, mark string, chosen map[string]string) {
	c, again := sampled(), false
	for _, table := range s.tables(c) {
		switch {
		case again:
			b.WriteString("\n" + mark + s.Title() + "\n")
		case s.Many:
			b.WriteString(mark + s.Title() + "\n")
		case s.Name != "":
			b.WriteString(besides(s.Title(), sampleColumn, s.Beside) + "\n")
		}
		for _, k := range s.Keys {
			text, column := "", sampleColumn
			if !again {
				text = k.Text
			}
			name := term.Pad(k.Name, s.nameWidth(), false) + " = "
			line := name + tomlText(valueIn(table, k.Name))
			column = max(column, len(line)+term.Gap+1)
			if value := chosen[k.Name]; s.Name == "" && value != "" {
				line = name + quoteTOML(value)
			} else {
				line = mark + line
			}
			b.WriteString(besides(line, column, text) + "\n")
		}
		again = true
	}
}

// nameWidth is how wide the names of keys are made.
func (s *Section) nameWidth() (width int) {
	for _, k := range s.Keys {
		if s.aligned {
			width = max(width, len(k.Name))
		}
	}
	return width
}

// besides puts a comment behind a line, in its column where there is room.
func besides(line string, column int, text string) string {
	if text == "" {
		return line
	}
	return term.Pad(line, max(column, len(line)+term.Gap), false) + "# " + text
}

// tomlText is a value as one would write it.
func tomlText(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case Duration:
		return strconv.Quote(words.ExactSpan(value.Duration))
	case Size:
		return strconv.Quote(words.ExactSize(value.Bytes))
	case Share:
		return strconv.Quote(value.String())
	case string:
		return strconv.Quote(value)
	}
	if v.Kind() != reflect.Slice {
		return fmt.Sprint(v.Interface())
	}
	parts := make([]string, v.Len())
	for i := range parts {
		parts[i] = tomlText(v.Index(i))
	}
	return "[" + strings.Join(parts, ", ") + "]"
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
