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
	"relay/cli/shell"
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

func newMarket(t *testing.T) *market { return marketOf(t, "rival", "alone") }

// marketOf is one with a reseller webco, another one and an account that is below
// nobody.
func marketOf(t *testing.T, rival, alone string) *market {
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
	m.must(t, "account", "add", alone, "--plan", "dear")
	for _, name := range []string{"webco", rival} {
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

// Whatever a reseller asks of what is somebody else's, it gets the answer that it
// gets for what is not there.
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
		for _, name := range []string{theirs, "alone", missing, "", "rival", "../x", "webco", "webco.shop\x00", "WEBCO.SHOP"} {
			if name == "" && strings.HasPrefix(c.line, "invoice list") {
				continue // no account is named
			}
			if got := answer(words, name); got != want {
				t.Errorf("relay %s, %q: %q, want %q", c.line, name, got, want)
			}
		}
		if out, stderr, code := m.as("webco", strings.Fields(strings.ReplaceAll(c.line, "NAME", "webco.shop"))...); code != c.own {
			t.Errorf("relay %s of its own: code %d, %s%s", c.line, code, out, stderr)
		}
	}
	for _, number := range []string{"1", "3", "99", "0", "x", "-1"} {
		if got := answer([]string{"invoice", "show", "--", "NAME"}, number); got != want {
			t.Errorf("invoice show %s: %q, want %q", number, got, want)
		}
	}
	if out, stderr, code := m.as("webco", "invoice", "show", "2"); code != 0 || !strings.Contains(out, "webco.shop") {
		t.Errorf("its own invoice: %d %s%s", code, out, stderr)
	}
	t.Run("names that are taken", func(t *testing.T) {
		for _, line := range []string{"account add --plan=dear NAME", "account credential add --login=NAME webco.shop"} {
			var first string
			for _, name := range []string{"alone", theirs, "free"} {
				out, stderr, code := m.as("webco", strings.Fields(strings.ReplaceAll(line, "NAME", name))...)
				stderr = strings.ReplaceAll(stderr, name, "NAME")
				if first == "" {
					first = stderr
				}
				if out != "" || code != exit.WrongUsage || stderr != first {
					t.Errorf("%s, %s: code %d, %q, want %q", line, name, code, stderr, first)
				}
			}
		}
	})
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

// resellersCommands are all that a reseller may give, with their flags (M23).
var resellersCommands = map[string][]string{
	"account add":               {"plan", "contact", "at-limit", "over-max", "sender", "password-stdin", "dry-run", "method", "reference", "terms"},
	"account list":              {"state", "limit"},
	"account show":              nil,
	"account suspend":           {"reason"},
	"account resume":            nil,
	"account statement":         {"at"},
	"account credential add":    {"login", "note", "password-stdin"},
	"account credential list":   nil,
	"account credential revoke": nil,
	"plan list":                 nil,
	"usage":                     {"period", "state", "limit"},
	"invoice list":              {"account", "open", "overdue", "period", "limit"},
	"invoice show":              {"format", "out"},
}

// Every command there is, but for those that are named, is not found: also one
// that comes later. And so is every flag.
func TestScope_denied(t *testing.T) {
	m := newMarket(t)
	_, want, _ := m.as("webco", "customer", "list")
	named := map[string]bool{}
	try := func(args []string) {
		out, stderr, code := m.as("webco", args...)
		if out != "" || stderr != want || code != exit.NoAccount {
			t.Errorf("relay %q: code %d, %q, %q", args, code, out, stderr)
		}
	}
	var look func(path []string, all []*cli.Command)
	look = func(path []string, all []*cli.Command) {
		for _, c := range all {
			words := append(append([]string{}, path...), c.Name)
			if len(c.Subcommands) > 0 {
				try(words)
				look(words, c.Subcommands)
				continue
			}
			line := append([]string{}, words...)
			given := map[string]bool{}
			add := func(f cli.Flag, to []string) []string {
				given[f.Names()[0]] = true
				if shell.TakesValue(f) {
					return append(to, "--"+f.Names()[0]+"=webco")
				}
				return append(to, "--"+f.Names()[0])
			}
			for _, f := range c.Flags {
				if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() {
					line = add(f, line)
				}
			}
			need, _ := shell.Arity(c.ArgsUsage)
			for range need {
				line = append(line, "webco.shop")
			}
			may, ok := resellersCommands[strings.Join(words, " ")]
			if !ok && !slices.Contains([]string{"sendmail", "completion", "man", "version"}, c.Name) { // these ask nobody
				try(line)
			}
			if !ok {
				continue
			}
			named[strings.Join(words, " ")] = true
			allowed := map[string]bool{}
			for _, f := range may {
				allowed[f] = true
				if shell.Find(c.Flags, f) == nil {
					t.Errorf("relay %s has no --%s", strings.Join(words, " "), f)
				}
			}
			for _, f := range c.Flags {
				if !allowed[f.Names()[0]] {
					try(add(f, line))
				}
			}
		}
	}
	look(nil, (&program{}).commands())
	for name := range resellersCommands {
		if !named[name] {
			t.Errorf("there is no command %s", name)
		}
	}
}

func TestAPI(t *testing.T) {
	m := newMarket(t)
	ask := func(method, path, token string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, m.base+path, strings.NewReader(`{"args":["account","list"],"Reseller":"rival","reseller":"rival"}`+"\n"))
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
		for _, path := range []string{"/v1/run", "/v1/backup"} {
			code, first := ask("POST", path, "")
			again, text := ask("GET", path, "wrong")
			if code != 401 || again != 401 || text != first {
				t.Errorf("%s: %d %q, %d %q", path, code, first, again, text)
			}
		}
	})
	t.Run("with one, only commands", func(t *testing.T) {
		for _, path := range []string{"/v1/health", "/v1/backup", "/"} {
			if code, _ := ask("GET", path, m.token["webco"]); code != 404 {
				t.Errorf("%s: %d", path, code)
			}
		}
		if code, _ := ask("GET", "/v1/run", m.token["webco"]); code != 404 {
			t.Errorf("GET /v1/run: %d", code)
		}
	})
	t.Run("nobody says who he is", func(t *testing.T) {
		code, text := ask("POST", "/v1/run", m.token["webco"])
		if code != 200 || !strings.Contains(text, `"code":0`) {
			t.Errorf("%d %s", code, text)
		}
		if out, _, _ := m.as("webco", "account", "list"); strings.Contains(out, "rival") {
			t.Error(out)
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
	t.Run("a token that is missing is not the operator", func(t *testing.T) {
		file := m.env["RELAY_CONFIG"] + ".blank"
		write(t, file, "  \n")
		for _, flag := range []string{"--token-file=" + file, "--token-file=", "--api="} {
			if out, stderr, code := m.run("", "account", "show", "alone", flag); code == exit.Done || out != "" {
				t.Errorf("%s: code %d, %s%s", flag, code, out, stderr)
			}
		}
		e := env{"RELAY_CONFIG": m.env["RELAY_CONFIG"], "RELAY_DATA": m.env["RELAY_DATA"], "RELAY_TOKEN": " "}
		if out, stderr, code := e.run("", "account", "show", "alone"); code != exit.Config || out != "" {
			t.Errorf("a blank RELAY_TOKEN: code %d, %s%s", code, out, stderr)
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
		if _, stderr, code := m.as("webco", "account", "list"); code != exit.NotAllowed || !strings.Contains(stderr, control.ErrToken.Error()) {
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
	if _, err := c.Run(t.Context(), control.Request{}, nil, io.Discard, io.Discard); err == nil {
		t.Error("it talks without TLS")
	}
	c = control.NewRemote("https://"+found[1], "x")
	defer c.Close()
	if _, err := c.Run(t.Context(), control.Request{}, nil, io.Discard, io.Discard); !errors.Is(err, control.ErrUnreached) || !strings.Contains(err.Error(), "certificate") {
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
