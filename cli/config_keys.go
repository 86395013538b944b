package cli

import (
	"reflect"
	"strings"
)

// configKeys are all keys of relay.toml, with the table's name before a dot.
func configKeys() []string { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) (keys []string) {
	for f := range t.Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if key == "" {
			continue
		}
		keys = append(keys, prefix+key)
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			keys = append(keys, keysOf(inner, prefix+key+".")...)
		}
	}
	return keys
}
