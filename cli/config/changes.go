package config

import (
	"reflect"

	"relay/report/api/act"
)

// setting is a key and its value, as they stand in the file.
type setting struct{ key, value string }

// settings of a configuration, in the order of the file.
func (c *Config) settings() (list []setting) {
	for _, e := range c.entries() {
		list = append(list, setting{e.path, tomlText(e.value)})
	}
	return list
}

// Changes are the keys in which next differs from now, in the order of the file.
// live is the part of next that the running relay has taken over; a key in which next
// differs from live needs a restart.
func Changes(now, next, live *Config) []act.Change {
	list := []act.Change{} // never null for programs
	old, taken := asMap(now), asMap(live)
	seen := map[string]bool{}
	for _, s := range next.settings() {
		seen[s.key] = true
		if before, had := old[s.key]; !had || before != s.value {
			list = append(list, act.Change{Key: s.key, Old: before, New: s.value, Restart: taken[s.key] != s.value})
		}
	}
	for _, s := range now.settings() {
		if !seen[s.key] {
			_, kept := taken[s.key]
			list = append(list, act.Change{Key: s.key, Old: s.value, Restart: kept})
		}
	}
	return list
}

func asMap(c *Config) map[string]string {
	m := map[string]string{}
	for _, s := range c.settings() {
		m[s.key] = s.value
	}
	return m
}

// TakeOver is next as far as a relay that runs with now can take it over. Keys that
// need a restart keep the value of now.
func TakeOver(now, next Config) Config {
	live := next
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if k.Effect == OnRestart {
				s.part(&live, k.Name).Set(s.part(&now, k.Name))
			}
		}
	}
	return live
}

// part is the value of a key. A section that may stand there several times is taken
// over as a whole.
func (s *Section) part(c *Config, key string) reflect.Value {
	v := reflect.ValueOf(c).Elem()
	if s.Name != "" {
		v = valueIn(v, s.Name)
	}
	if s.Many {
		return v
	}
	return valueIn(v, key)
}
