package config

import (
	"fmt"
	"iter"
	"reflect"
)

// Key is everything about one key of relay.toml, apart from its field in Config.
// Defaults, checks, the sample, the file of relay init, docs/configuration.md
// and the comparison at a reload are made from it.
type Key struct {
	Name    string
	Default any    // of the field's type
	check   check  // nil: every value is allowed
	Effect  Effect // of a change
	Text    string // what the key is for
}

// Effect is when a changed value comes into force.
type Effect string

// The three moments.
const (
	OnReload  Effect = "reload"  // with relay reload or SIGHUP
	OnRestart Effect = "restart" // when relay is started again
	OnCall    Effect = "call"    // at the next command that reads it
)

// Section is a table of relay.toml with its keys, in the order of the sample.
type Section struct {
	Name          string // "": the keys before the first table
	Many          bool   // [[NAME]], which may stand there several times
	Before, After string // paragraphs around its keys
	Beside        string // a comment behind its name
	Keys          []Key

	aligned bool // the sample has its = below each other
}

// Sections of relay.toml in the order of the sample.
func Sections() []*Section {
	return []*Section{
		&topKeys, &listenKeys, &tlsKeys, &limitKeys, &deliveryKeys, &sourceKeys, &routeKeys, &dkimKeys, &logKeys, &backupKeys,
		&sendmailKeys, &billingKeys, &paymentKeys, &reportKeys, &bounceKeys, &abuseKeys, &apiKeys, &metricsKeys,
	}
}

// Title of a section, as it stands in the file.
func (s *Section) Title() string {
	switch {
	case s.Many:
		return "[[" + s.Name + "]]"
	case s.Name != "":
		return "[" + s.Name + "]"
	}
	return "Top of the file"
}

// entry is a key of one configuration with its value there.
type entry struct {
	*Key
	path  string // such as limits.errors or listen[1].addr
	value reflect.Value
}

// entries of a configuration, in the order of the sample.
func (c *Config) entries() (list []entry) {
	for _, s := range Sections() {
		for prefix, table := range s.tables(c) {
			for i := range s.Keys {
				k := &s.Keys[i]
				list = append(list, entry{k, prefix + k.Name, valueIn(table, k.Name)})
			}
		}
	}
	return list
}

// tables of a configuration that the section stands for, with what goes before
// the names of their keys: one, or any number where it may stand several times.
func (s *Section) tables(c *Config) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		table := reflect.ValueOf(c).Elem()
		if s.Name == "" {
			yield("", table)
			return
		}
		table = valueIn(table, s.Name)
		if !s.Many {
			yield(s.Name+".", table)
			return
		}
		for i := range table.Len() {
			if !yield(fmt.Sprintf("%s[%d].", s.Name, i), table.Index(i)) {
				return
			}
		}
	}
}

// valueIn is the field of a struct that go-toml fills from a key.
func valueIn(table reflect.Value, name string) reflect.Value {
	for f, value := range table.Fields() {
		if f.Tag.Get("toml") == name {
			return value
		}
	}
	panic("relay.toml: no field for " + name)
}

// keyNames are all keys and tables, as an error names them.
func keyNames() (names []string) {
	for _, s := range Sections() {
		prefix := ""
		if s.Name != "" {
			names = append(names, s.Name)
			prefix = s.Name + "."
		}
		for _, k := range s.Keys {
			names = append(names, prefix+k.Name)
		}
	}
	return names
}

// Default is the configuration of a relay without a file.
func Default() (c Config) {
	for _, e := range c.entries() {
		e.value.Set(clone(reflect.ValueOf(e.Default)))
	}
	return c
}

// clone keeps two configurations from sharing a list: go-toml reads into the
// memory of the one that is there.
func clone(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Slice {
		return v
	}
	return reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v)
}

// Value of a key as the sample shows it.
func (k *Key) Value() string { return tomlText(reflect.ValueOf(k.Default)) }
