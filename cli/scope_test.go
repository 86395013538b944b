package cli

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
	"relay/report/api/host"
)

// token FILE: what the last command showed, as a file.
func cmdToken(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(`(?m)^token +(\S+)$`).FindStringSubmatch(ts.ReadFile(args[0]))
	if m == nil {
		ts.Fatalf("there is no token in %s", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(m[1]+"\n"), 0o600))
}

const apiConfig = testConfig + `
[api]
listen = "127.0.0.1:0"
tls = "none"
`

// market is a relay with two resellers, reached over its API.
type market struct {
	env
	relay *served
	base  string            // of the API
	token map[string]string // by reseller
}

// newMarket is one with the resellers webco and rival and an account that is below nobody.
func newMarket(t *testing.T) *market {
	t.Helper()
	m := &market{env: newEnv(t, apiConfig), token: map[string]string{}}
	m.relay = serveTest(t, m.env)
	t.Cleanup(func() {
		if code := m.relay.stop(); code != exit.Done {
			t.Errorf("exit code %d\n%s", code, m.relay.log)
		}
	})
	found := regexp.MustCompile(`api listening.* addr=(\S+)`).FindStringSubmatch(m.relay.log.String())
	if found == nil {
		t.Fatalf("no API:\n%s", m.relay.log)
	}
	m.base = "http://" + found[1]
	m.must(t, "plan", "add", "dear", "--term", "month", "--emails", "1000", "--price", "12.50", "--resale")
	m.must(t, "plan", "set", "entry", "--resale")
	m.must(t, "account", "add", "alone", "--plan", "dear")
	for _, name := range []string{"webco", "rival"} {
		out := m.must(t, "reseller", "add", name)
		m.token[name] = regexp.MustCompile(`(?m)^token +(\S+)$`).FindStringSubmatch(out)[1]
		if _, stderr, code := m.as(name, "account", "add", name+".shop", "--plan", "dear"); code != exit.Done {
			t.Fatalf("account add: %d %s", code, stderr)
		}
	}
	return m
}

// as gives a command with a reseller's token. It goes over the socket, where requests are
// not counted.
func (m *market) as(reseller string, args ...string) (stdout, stderr string, code int) {
	e := maps.Clone(m.env)
	e["RELAY_TOKEN"] = m.token[reseller]
	return e.run("a long password\n", args...)
}

// The answers that the service has for a reseller (TestWorlds_names in report/api) are
// those of its commands: what is somebody else's is not found.
func TestScope_matrix(t *testing.T) {
	m := newMarket(t)
	const theirs, missing = "rival.shop", "webco.none"
	answer := func(args []string, name string) string {
		line := make([]string, len(args))
		for i, a := range args {
			line[i] = strings.ReplaceAll(a, "NAME", name)
		}
		out, stderr, code := m.as("webco", line...)
		if out != "" || code != exit.NoAccount {
			t.Errorf("relay %s: code %d, %q %q", strings.Join(line, " "), code, out, stderr)
		}
		return stderr
	}
	want := answer([]string{"customer", "list"}, "")
	for _, c := range []struct {
		own  int // exit code for its own account
		line string
	}{
		{0, "account show NAME"}, {0, "--json account show NAME"}, {0, "account statement NAME"}, {0, "account statement --at=2026-01-01 NAME"},
		{0, "account credential list NAME"}, {0, "account credential add NAME"}, {0, "account credential add --password-stdin NAME"},
		{1, "account credential revoke NAME x"}, {0, "usage NAME"}, {0, "usage --period=2026-01 NAME"}, {0, "invoice list --account=NAME"},
		{0, "account suspend --reason=x NAME"}, {0, "account resume NAME"},
	} {
		words := strings.Fields(c.line)
		for _, name := range []string{theirs, missing} {
			if got := answer(words, name); got != want {
				t.Errorf("relay %s, %q: %q, want %q", c.line, name, got, want)
			}
		}
		if out, stderr, code := m.as("webco", strings.Fields(strings.ReplaceAll(c.line, "NAME", "webco.shop"))...); code != c.own {
			t.Errorf("relay %s of its own: code %d, %s%s", c.line, code, out, stderr)
		}
	}
	for _, number := range []string{"1", "99", "-1"} {
		if got := answer([]string{"invoice", "show", "--", "NAME"}, number); got != want {
			t.Errorf("invoice show %s: %q, want %q", number, got, want)
		}
	}
	if out, stderr, code := m.as("webco", "invoice", "show", "2"); code != 0 || !strings.Contains(out, "webco.shop") {
		t.Errorf("its own invoice: %d %s%s", code, out, stderr)
	}
	t.Run("lists have its own only", func(t *testing.T) {
		for _, line := range []string{"account list", "--json account list", "usage", "--json usage", "usage --period=2026-01",
			"invoice list", "--json invoice list", "invoice list --open", "account list --state=pending --limit=9"} {
			out, stderr, code := m.as("webco", strings.Fields(line)...)
			if code != 0 || strings.Contains(out, "rival") || strings.Contains(out, "alone") {
				t.Errorf("relay %s: code %d\n%s%s", line, code, out, stderr)
			}
		}
		if out, _, _ := m.as("webco", "account", "list"); !strings.Contains(out, "webco.shop") {
			t.Errorf("its own is not listed:\n%s", out)
		}
	})
	t.Run("the log names the reseller", func(t *testing.T) {
		mustMatch(t, "log", m.relay.log.String(), `msg=act .*actor="reseller webco" method=POST path=/v1/accounts/rival.shop/suspend status=404 `)
	})
	t.Run("nothing of others has changed", func(t *testing.T) {
		mustMatch(t, "account list", m.must(t, "account", "list"), `rival.shop +dear +pending`)
	})
}

// Commands whose acts are not for resellers are not found, and so are those that are no
// acts: also one that comes later.
func TestScope_denied(t *testing.T) {
	m := newMarket(t)
	_, want, _ := m.as("webco", "customer", "list")
	eachCommand(nil, (&program{}).commands(), func(line []string, c *cli.Command) {
		asksNobody := slices.Contains([]string{"sendmail", "completion", "man", "version"}, c.Name)
		if len(c.Subcommands) == 0 && (resellers(strings.Join(line, " ")) || asksNobody) {
			return
		}
		for _, f := range c.Flags {
			if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() {
				line = append(line, "--"+f.Names()[0]+"=webco")
			}
		}
		need, _ := shell.Arity(c.ArgsUsage)
		line = append(line, slices.Repeat([]string{"webco.shop"}, need)...)
		if out, stderr, code := m.as("webco", line...); out != "" || stderr != want || code != exit.NoAccount {
			t.Errorf("relay %q: code %d, %q, %q", line, code, out, stderr)
		}
	})
}

// eachCommand calls fn for the commands and those below them, with the words of each.
func eachCommand(path []string, all []*cli.Command, fn func(line []string, c *cli.Command)) {
	for _, c := range all {
		line := append(slices.Clone(path), c.Name)
		fn(line, c)
		eachCommand(line, c.Subcommands, fn)
	}
}

// resellers reports a command whose act is for resellers.
func resellers(command string) bool {
	spec := api.Spec(behind(command))
	return spec != nil && spec.For(act.Actor{Kind: act.Reseller})
}

var adviceRE = regexp.MustCompile(`\brelay ([a-z]+(?: [a-z]+){0,2})`)

// canFollow reports whether a reseller may give the commands in a hint. Help is for
// everybody, and so is sendmail.
func canFollow(hint string) bool {
	for _, m := range adviceRE.FindAllStringSubmatch(hint, -1) {
		name := m[1]
		for name != "" && !resellers(name) {
			name = name[:max(0, strings.LastIndexByte(name, ' '))]
		}
		if name == "" && !strings.HasSuffix(hint, " --help") && !strings.HasPrefix(hint, "relay sendmail ") {
			return false
		}
	}
	return true
}

// A reseller whose command is wrong is told a next step that it may take.
func TestScope_hints(t *testing.T) {
	m := newMarket(t)
	hints := 0
	try := func(line ...string) {
		_, stderr, _ := m.as("webco", line...)
		for _, hint := range regexp.MustCompile(`(?m)^relay: hint: (.*)$`).FindAllStringSubmatch(stderr, -1) {
			if hints++; !canFollow(hint[1]) {
				t.Errorf("relay %q: a hint at what it may not do: %s", line, hint[1])
			}
		}
	}
	eachCommand(nil, (&program{}).commands(), func(line []string, c *cli.Command) {
		if !resellers(strings.Join(line, " ")) {
			return
		}
		try(line...)
		need, _ := shell.Arity(c.ArgsUsage)
		for _, name := range []string{"webco.shop", "rival.shop", "2", "x"} {
			given := append(slices.Clone(line), slices.Repeat([]string{name}, need)...)
			try(given...)
			try(append(given, "more", "--nonsense")...)
			for _, f := range c.Flags {
				for _, value := range []string{"", "nonsense", "rival.shop", "-1"} {
					if f.Names()[0] != "out" {
						try(append(given, "--"+f.Names()[0]+"="+value)...)
					}
				}
			}
		}
	})
	if hints < 100 {
		t.Errorf("%d hints, that is few", hints)
	}
}

func TestAPI(t *testing.T) {
	m := newMarket(t)
	ask := func(method, path, token string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, m.base+path, strings.NewReader(`{"reseller":"rival"}`))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	t.Run("nothing without a token", func(t *testing.T) {
		for _, path := range []string{"/v1/accounts", "/v1/backup", "/"} {
			code, first := ask("POST", path, "")
			again, text := ask("GET", path, "wrong")
			if code != 401 || again != 401 || text != first {
				t.Errorf("%s: %d %q, %d %q", path, code, first, again, text)
			}
		}
	})
	t.Run("with one, only a reseller's acts", func(t *testing.T) {
		for _, path := range []string{"/v1/health", "/v1/backup", "/"} {
			if code, _ := ask("GET", path, m.token["webco"]); code != 404 {
				t.Errorf("%s: %d", path, code)
			}
		}
	})
	t.Run("nobody says who he is", func(t *testing.T) {
		for _, path := range []string{"/v1/accounts", "/v1/accounts?reseller=rival"} {
			if code, text := ask("GET", path, m.token["webco"]); strings.Contains(text, "rival.shop") {
				t.Errorf("%s: %d %s", path, code, text)
			}
		}
	})
	t.Run("from the command line", func(t *testing.T) {
		file := m.env["RELAY_CONFIG"] + ".token"
		write(t, file, m.token["webco"]+"\n")
		out := m.must(t, "account", "list", "--api", m.base, "--token-file", file)
		mustMatch(t, "account list", out, "webco.shop")
		e := env{"RELAY_TOKEN": m.token["webco"], "RELAY_API": m.base, "RELAY_DATA": "/nonexistent"}
		out, stderr, code := e.run("correct horse\n", "account", "add", "webco.second", "--plan", "dear", "--password-stdin")
		if code != exit.Done {
			t.Errorf("%d %s%s", code, out, stderr)
		}
		if out, _, code := e.run("", "plan", "list"); code != exit.Done || !strings.Contains(out, "dear") || strings.Contains(out, "standard") {
			t.Errorf("plan list: %d %s", code, out)
		}
		if _, _, code := e.run("", "plan", "show", "dear"); code != exit.NoAccount {
			t.Errorf("plan show: %d", code)
		}
		e["RELAY_TOKEN"] = "wrong"
		if _, stderr, code := e.run("", "account", "list"); code != exit.NotAllowed {
			t.Errorf("a wrong token: %d %s", code, stderr)
		}
	})
	t.Run("a token makes no store", func(t *testing.T) {
		e := newEnv(t, testConfig)
		e["RELAY_TOKEN"] = m.token["webco"]
		if out, stderr, code := e.run("", "account", "list"); code != exit.NotAllowed || out != "" {
			t.Errorf("code %d, %s%s", code, out, stderr)
		}
		if !place.Dir(e["RELAY_DATA"]).IsNew() {
			t.Error("there is a store")
		}
	})
	t.Run("a token that is missing is not the operator", func(t *testing.T) {
		file := m.env["RELAY_CONFIG"] + ".blank"
		write(t, file, "  \n")
		for _, flag := range []string{"--token-file=" + file, "--token-file=", "--api="} {
			if out, stderr, code := m.run("", "account", "show", "alone", flag); code == exit.Done || out != "" {
				t.Errorf("%s: code %d, %s%s", flag, code, out, stderr)
			}
		}
		for _, token := range []string{" ", m.token["webco"] + "\n" + m.token["webco"], "a\x00b"} {
			e := env{"RELAY_CONFIG": m.env["RELAY_CONFIG"], "RELAY_DATA": m.env["RELAY_DATA"], "RELAY_TOKEN": token}
			if out, stderr, code := e.run("", "account", "show", "alone"); code != exit.Config || out != "" {
				t.Errorf("RELAY_TOKEN=%q: code %d, %s%s", token, code, out, stderr)
			}
		}
	})
	t.Run("completion knows no names of others", func(t *testing.T) {
		e := env{"RELAY_CONFIG": m.env["RELAY_CONFIG"], "RELAY_DATA": m.env["RELAY_DATA"]}
		if out := e.must(t, shell.CompleteVerb, "account", "show", ""); !strings.Contains(out, "alone") {
			t.Errorf("the operator's: %q", out)
		}
		if out := e.must(t, shell.CompleteVerb, "account", "show", "--token-file", "x", ""); out != "" {
			t.Errorf("with --token-file: %q", out)
		}
		e["RELAY_TOKEN"] = m.token["webco"]
		if out := e.must(t, shell.CompleteVerb, "account", "show", ""); out != "" {
			t.Errorf("with RELAY_TOKEN: %q", out)
		}
	})
	t.Run("a new token replaces the old one at once", func(t *testing.T) {
		m.must(t, "reseller", "token", "webco")
		if _, stderr, code := m.as("webco", "account", "list"); code != exit.NotAllowed || !strings.Contains(stderr, act.UnknownToken.Error()) {
			t.Errorf("%d %s", code, stderr)
		}
	})
}

func TestAPI_TLS(t *testing.T) {
	e := newEnv(t, strings.Replace(apiConfig, `listen = "127.0.0.1:0"
tls = "none"`, `listen = "127.0.0.1:0"`, 1))
	s := serveTest(t, e)
	defer s.stop()
	found := regexp.MustCompile(`api listening.* addr=(\S+)`).FindStringSubmatch(s.log.String())
	c := control.NewRemote("http://"+found[1], "x")
	defer c.Close()
	if _, err := host.Health.Call(t.Context(), c, &act.None{}); err == nil {
		t.Error("it talks without TLS")
	}
	c = control.NewRemote("https://"+found[1], "x")
	defer c.Close()
	if _, err := host.Health.Call(t.Context(), c, &act.None{}); !errors.Is(err, control.ErrUnreached) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody signed: %v", err)
	}
}

func TestCheckAPI(t *testing.T) {
	for base, want := range map[string]bool{
		"https://relay.example:8443": true, "https://relay.example/": true, "http://127.0.0.1:80": true, "http://[::1]:80": true, "http://localhost": true,
		"http://relay.example": false, "relay.example:8443": false, "": false, "ftp://127.0.0.1": false,
		"https://user:pw@relay.example": false, "https://relay.example/x": false, "https://relay.example?x": false,
		"http://127.0.0.1.example": false,
	} {
		if err := checkAPI(base); (err == nil) != want {
			t.Errorf("checkAPI(%q) = %v", base, err)
		}
	}
}

// What a reseller can have stored with one command is small.
func TestScope_small(t *testing.T) {
	m := newMarket(t)
	long := strings.Repeat("a@example.org,", 101)
	if _, stderr, code := m.as("webco", "account", "add", "webco.x", "--plan", "dear", "--sender", long); code != exit.WrongUsage || !strings.Contains(stderr, "at most 100") {
		t.Errorf("senders: code %d, %s", code, stderr)
	}
	if _, stderr, code := m.as("webco", "account", "credential", "add", "webco.shop", "--note", strings.Repeat("x", 5000)+"\n"); code != exit.Done {
		t.Fatalf("credential add: code %d, %s", code, stderr)
	}
	out := m.must(t, "--json", "account", "credential", "list", "webco.shop")
	if n := strings.Count(out, "x"); n < 100 || n > 250 {
		t.Errorf("a note of 5000 letters is kept with %d", n)
	}
}
