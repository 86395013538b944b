package cli

import (
	"os"
	"testing"

	"relay/cli/config"
)

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		name string
		p    program
		cfg  config.Config
		want place
	}{
		{"the flag first", program{data: "/flag", App: App{Getenv: env{"RELAY_DATA": "/env"}.get}}, config.Config{DataDir: "/file"}, "/flag"},
		{"then the environment", program{App: App{Getenv: env{"RELAY_DATA": "/env"}.get}}, config.Config{DataDir: "/file"}, "/env"},
		{"then the file", program{App: App{Getenv: env{}.get}}, config.Config{DataDir: "/file"}, "/file"},
	} {
		if got, err := c.p.place(&c.cfg); got != c.want || err != nil {
			t.Errorf("%s: place = %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	if os.Geteuid() == 0 {
		p := program{App: App{Getenv: env{"HOME": "/home/x"}.get}}
		if got, err := p.place(&config.Config{}); got != systemData || err != nil {
			t.Errorf("root: place = %q, %v, want %q", got, err, systemData)
		}
	}
}
