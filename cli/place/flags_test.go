package place

import (
	"os"
	"testing"

	"relay/cli/config"
)

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }

func TestFlags_Dir(t *testing.T) {
	set := env{"RELAY_DATA": "/env"}.get
	file := config.Config{DataDir: "/file"}
	for _, c := range []struct {
		name  string
		flags Flags
		want  Dir
	}{
		{"the flag first", Flags{Data: "/flag", Getenv: set}, "/flag"},
		{"then the environment", Flags{Getenv: set}, "/env"},
		{"then the file", Flags{}, "/file"},
	} {
		if got, err := c.flags.Dir(&file); got != c.want || err != nil {
			t.Errorf("%s: Dir = %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	if os.Geteuid() == 0 {
		f := Flags{Getenv: env{"HOME": "/home/x"}.get}
		if got, err := f.Dir(&config.Config{}); got != System || err != nil {
			t.Errorf("root: Dir = %q, %v, want %q", got, err, System)
		}
	}
}
