package cli

import (
	"crypto/tls"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/selfsigned"
)

// hand hands a relay sockets as the service manager does.
func hand(t *testing.T, names ...string) (change func(*App), addr map[string]string) {
	t.Helper()
	sockets, addr := map[string][]net.Listener{}, map[string]string{}
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		sockets[name] = append(sockets[name], l)
		addr[name] = l.Addr().String()
	}
	return func(a *App) { a.Sockets = func() (map[string][]net.Listener, error) { return sockets, nil } }, addr
}

// greetsTLS wants a greeting after TLS from the first octet.
func greetsTLS(t *testing.T, addr string) {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Errorf("%s: %v", addr, err)
		return
	}
	defer conn.Close()
	code := make([]byte, 3)
	if _, err := io.ReadFull(conn, code); err != nil || string(code) != "220" {
		t.Errorf("%s: %q, %v", addr, code, err)
	}
}

const noListen = "hostname = \"relay.test\"\n[delivery]\nsmarthost = \"127.0.0.1:1\"\nallow_private = true\n"

func TestSockets_byName(t *testing.T) {
	e := newEnv(t, noListen)
	sockets, addr := hand(t, "submission", "submissions", "submission")
	s := serveTest(t, e, sockets)
	dial(t, addr["submission"]).say("QUIT")
	greetsTLS(t, addr["submissions"])
	if n := strings.Count(s.log.String(), "msg=listening"); n != 3 {
		t.Errorf("%d listeners, want 3", n)
	}
	if port := regexp.MustCompile(`:(587|465|2525)\b`).FindString(s.log.String()); port != "" {
		t.Errorf("%s is there too", port)
	}
	out := e.must(t, "check", "--json")
	for _, want := range []string{`"check":"submission"`, `"check":"submissions"`} {
		if !strings.Contains(out, want) {
			t.Errorf("relay check has no %s:\n%s", want, out)
		}
	}
	if strings.Contains(out, "does not listen there") {
		t.Errorf("relay check misses a port:\n%s", out)
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

func TestSockets_configured(t *testing.T) {
	e := newEnv(t, testConfig+"[[listen]]\naddr = \"systemd:mine\"\ntls = \"implicit\"\n")
	sockets, addr := hand(t, "mine", "other")
	s := serveTest(t, e, sockets)
	greetsTLS(t, addr["mine"])
	if conn, err := net.Dial("tcp", addr["other"]); err == nil {
		conn.Close()
		t.Error("a socket that nothing is said about was not closed")
	}
	mustMatch(t, "log", s.log.String(), "a socket that the service manager passed is not used.* socket=other")
	out := e.must(t, "check")
	mustMatch(t, "relay check", out, `ok +mine +implicit, the relay answers`)
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
	out = e.must(t, "check")
	mustMatch(t, "relay check without a relay", out, `ok +mine +implicit, the service manager passes it`)
}

func TestSockets_refused(t *testing.T) {
	two := "[[listen]]\naddr = \"systemd:mine\"\ntls = \"implicit\"\n"
	for name, c := range map[string]struct {
		config string
		pass   []string
		want   string
	}{
		"a name that says nothing": {noListen, []string{"http"}, `a socket named "http"`},
		"not passed":               {testConfig + two, []string{"other"}, `addr = "systemd:mine": the service manager passed no socket of that name`},
		"none passed":              {testConfig + two, nil, `FileDescriptorName=mine`},
		"twice":                    {testConfig + two + two, []string{"mine"}, `two \[\[listen\]\] have addr = "systemd:mine"`},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, c.config)
			sockets, _ := hand(t, c.pass...)
			s, ok := start(e.get, sockets)
			if ok {
				s.stop()
				t.Fatal("it started")
			}
			if code := s.wait(); code != exit.Config {
				t.Errorf("exit code %d, want %d", code, exit.Config)
			}
			mustMatch(t, "stderr", s.log.String(), c.want)
		})
	}
}

// A port that the service manager holds already can only be taken over from it.
func TestSockets_thePortIsTheManagers(t *testing.T) {
	e := newEnv(t, "")
	sockets, addr := hand(t, "submission")
	write(t, e["RELAY_CONFIG"], noListen+"[[listen]]\naddr = \""+addr["submission"]+"\"\ntls = \"starttls\"\n")
	s, ok := start(e.get, sockets)
	if ok {
		s.stop()
		t.Fatal("it started")
	}
	if code := s.wait(); code != exit.Config {
		t.Errorf("exit code %d, want %d", code, exit.Config)
	}
	mustMatch(t, "stderr", s.log.String(), `listen on 127.0.0.1:\d+: the service manager holds it.*\n.*addr = "systemd:submission"`)
}

func TestConfig_credentials(t *testing.T) {
	file := noListen + "smarthost_user = \"me\"\nsmarthost_password_file = \"credential:password\"\n" +
		"[tls]\ncert = \"credential:tls.crt\"\nkey = \"credential:tls.key\"\n[[listen]]\naddr = \"127.0.0.1:0\"\ntls = \"starttls\"\n"
	e := newEnv(t, file)
	e.must(t, "account", "list") // which has no use for them
	s, ok := start(e.get)
	if ok {
		s.stop()
		t.Fatal("it started without its credentials")
	}
	if code := s.wait(); code != exit.Config {
		t.Errorf("exit code %d, want %d", code, exit.Config)
	}
	mustMatch(t, "stderr", s.log.String(), `credential:\S+: the service manager did not pass this credential\n.*LoadCredential=`)

	dir := t.TempDir()
	if err := selfsigned.Make(dir+"/tls.crt", dir+"/tls.key", "passed.test", time.Now()); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/password", "secret\n")
	e["CREDENTIALS_DIRECTORY"] = dir
	s = serveTest(t, e)
	addr, err := listener(s.dir, "starttls")
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(t, addr); got != "passed.test" {
		t.Errorf("shown %s, want the certificate that was passed", got)
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
	for _, bad := range []string{"credential:", "credential:a/b", "credential:.."} {
		_, err := config.Read("test", []byte("[tls]\ncert = \""+bad+"\"\nkey = \"x\"\n"))
		if err == nil || !strings.Contains(err.Error(), "is not credential:NAME") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
