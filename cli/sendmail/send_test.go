package sendmail

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/place"
)

// A relay that is stuck keeps nobody: the configuration knows where it listens.
func TestSending_doorsOfAStuckRelay(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", place.Dir(dir).Socket()) // it never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := config.Default()
	s := &sending{Program: &Program{}, cfg: &cfg, dir: place.Dir(dir)}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if doors := s.doors(ctx); ctx.Err() != nil || len(doors) == 0 || doors[0].addr != "127.0.0.1:2525" {
		t.Errorf("%v, %v", doors, ctx.Err())
	}
}

func TestSending_doors(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"without a configuration: what is always there first", "", "127.0.0.1:2525 [::1]:2525 127.0.0.1:587 [::1]:587 127.0.0.1:465 [::1]:465"},
		{"known networks first", "[[listen]]\naddr = '192.0.2.1:587'\ntls = 'starttls'\n[[listen]]\naddr = '127.0.0.1:25'\ntls = 'none'\n", "127.0.0.1:25 192.0.2.1:587"},
		{"not with a login", "[sendmail]\nuser = 'x'\npassword_file = '/x'\n[[listen]]\naddr = '192.0.2.1:587'\ntls = 'starttls'\n[[listen]]\naddr = '127.0.0.1:25'\ntls = 'none'\n", "192.0.2.1:587"},
		{"sockets of the service manager", "[[listen]]\naddr = 'systemd:submission'\ntls = 'starttls'\n[[listen]]\naddr = ':0'\ntls = 'none'\n", "127.0.0.1:587 [::1]:587"},
		{"another server", "[sendmail]\nserver = 'mail.example.org:465'\n", "mail.example.org:465"},
	} {
		cfg, err := config.Read("relay.toml", []byte(c.config))
		if err != nil {
			t.Fatal(err)
		}
		s := &sending{Program: &Program{}, cfg: &cfg, dir: place.Dir(t.TempDir())}
		var got []string
		for _, d := range s.doors(t.Context()) {
			got = append(got, d.addr)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
