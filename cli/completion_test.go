package cli

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"relay/cli/exit"
	"relay/cli/shell"
)

// candidates are the words offered, without what they are for.
func (e env) candidates(t *testing.T, words ...string) []string {
	t.Helper()
	var list []string
	for line := range strings.Lines(e.must(t, append([]string{shell.CompleteVerb}, words...)...)) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		list = append(list, word)
	}
	return list
}

func TestComplete(t *testing.T) {
	e, s, _ := serveAcme(t)
	e.must(t, "account", "credential", "add", "acme", "--login", "acme-printer", "--note", "the one upstairs")
	e.must(t, "customer", "add", "verdi")
	e.must(t, "reseller", "add", "webco")
	e.must(t, "plan", "add", "paid", "--term", "year", "--emails", "10", "--price", "1")
	e.must(t, "account", "add", "buyer", "--plan", "paid")
	if err := submit(s.dir, "me@a.io", "you@b.io"); err != nil {
		t.Fatal(err)
	}
	var queue []struct{ ID string }
	if err := json.Unmarshal([]byte(e.must(t, "queue", "list", "--json")), &queue); err != nil || len(queue) != 1 {
		t.Fatalf("%d messages wait, %v", len(queue), err)
	}
	id := queue[0].ID
	for _, c := range []struct{ line, want string }{ // the last word is what is typed; * stands for more
		{"acc", "account"},
		{"account ", "add list show statement remarks set upgrade topup renew activate refund close correct suspend resume remove points credential network"},
		{"account cred", "credential"},
		{"account credential ", "add list hold resume revoke"},
		{"--config x queue re", "retry release"},
		{"--confi", "--config"},
		{"account add new --pl", "--plan"},
		{"account add new --plan st", "standard standard-count *"},
		{"account add new --plan=st", "--plan=standard --plan=standard-count *"},
		{"account add new --at-limit ", "suspend continue"},
		{"account add --plan standard --pa", "--password-stdin"},
		{"plan add p --term=y", "--term=year"},
		{"account show a", "acme"},
		{"account add ", ""},
		{"customer add ", ""},
		{"customer show ", "verdi"},
		{"reseller add ", ""},
		{"reseller token ", "webco"},
		{"plan add ", ""},
		{"account credential add a", "acme"},
		{"account credential add acme --login ", ""},
		{"account list --state ", "pending active suspended expired closed"},
		{"plan add p --at-limit ", "suspend continue"},
		{"init --hostname ", ""},
		{"queue list --account a", "acme"},
		{"account show acme ", ""},
		{"account credential revoke acme acme-", "acme-printer"},
		{"account credential revoke acme acme-printer ", ""},
		{"account network remove acme ", "127.0.0.0/8"},
		{"account network add acme ", ""},
		{"usage ac", "acme"},
		{"restore ", ":file"},
		{"--data ", ":dir"},
		{"--config=", ":file"},
		{"completion ", "bash zsh fish"},
		{"help acc", "account"},
		{"help account sh", "show"},
		{"sendmail -", "-t -i -f -F -N -R -V -v --config --data --token-file --api --help"},
		{"payment record 1 --method ", "bank card paypal postepay western-union other"},
		{"payment record ", "1"},
		{"invoice show ", "1"},
		{"account list --owner ", "verdi"},
		{"account list --reseller ", "webco"},
		{"account list --owner=", "--owner=verdi"},
		{"account list --reseller=webco x --owner=v", "--owner=verdi"},
		{"queue list --account=ac", "--account=acme"},
		{"job run c", "close"},
		{"queue top --by ", "domain account both"},
		{"queue show ", id},
		{"queue drop " + id[:20], id},
		{"queue hold " + id + " ", id},
		{"queue release x", ""},
		{"trace ", id},
		{"ban lift ", ""},
		{"nothing at", ""},
		{"account nothing ", ""},
		{"account show -- a", "acme"},
		{"complete ", ""},
		{"compl", "completion"},
		{"prove", ""},
	} {
		got := e.candidates(t, strings.Split(c.line, " ")...)
		want, more := strings.CutSuffix(c.want, " *")
		if joined := strings.Join(got, " "); joined != want && !(more && strings.HasPrefix(joined, want)) {
			t.Errorf("relay %s: %q, want %q", c.line, joined, c.want)
		}
	}
	out := e.must(t, shell.CompleteVerb, "account", "credential", "revoke", "acme", "acme-")
	if want := "acme-printer\tthe one upstairs\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
	if code := s.stop(); code != exit.Done {
		t.Errorf("exit code %d", code)
	}
}

// Without a relay, a configuration or sense it is silent.
func TestComplete_tellsNoErrors(t *testing.T) {
	e := newEnv(t, "nonsense")
	for _, line := range []string{"", "account show ", "--config /nowhere account show ", "account add --plan ", "--nothing x", "= =", "--", "-"} {
		_, stderr, code := e.run("", append([]string{shell.CompleteVerb}, strings.Split(line, " ")...)...)
		if code != exit.Done || stderr != "" {
			t.Errorf("relay %s: exit code %d, %s", line, code, stderr)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	app := &App{Stdout: &strings.Builder{}, Stderr: &strings.Builder{}, Getenv: e.get}
	if code := app.Run(ctx, []string{shell.CompleteVerb}); code != exit.Done {
		t.Errorf("exit code %d", code)
	}
}
