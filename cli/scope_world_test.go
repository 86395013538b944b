package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/report/api"
	"relay/report/api/act"
	"relay/report/api/answer"
)

// Two worlds are the same for webco and have nobody else in common. Whatever it
// orders, in whatever order, it hears the same in both: so it hears nothing of
// others. And nothing of others has changed.
func TestScope_worlds(t *testing.T) {
	names := [2][2]string{{"rival", "alone"}, {"third", "other"}}
	var worlds [2]*market
	var before [2]string
	for i, n := range names {
		m := marketOf(t, n[0], n[1])
		m.must(t, "customer", "add", n[1]+"-customer")
		m.must(t, "account", "add", "webco."+n[1], "--plan", "entry") // named like its own, and not below it
		m.must(t, "account", "add", n[1]+".moved", "--plan", "entry")
		if _, stderr, code := m.as(n[0], "account", "add", n[0]+".gone", "--plan", "entry"); code != exit.Done {
			t.Fatal(stderr)
		}
		m.must(t, "account", "credential", "add", n[0]+".shop", "--login", "webco.shop-"+n[0])
		m.must(t, "account", "add", "webco.free", "--plan", "entry", "--reseller", "webco")
		m.must(t, "account", "add", "moved", "--plan", "entry", "--reseller", n[0])
		if _, stderr, code := m.as(n[0], "account", "suspend", "moved", "--reason", "x"); code != exit.Done {
			t.Fatal(stderr)
		}
		m.must(t, "account", "set", "moved", "--reseller", "webco")
		worlds[i], before[i] = m, othersOf(t, m)
	}
	// In one world it is the operator's, in the other it is nobody's: names that
	// are taken in webco's own part of the names are not a secret.
	taken := []string{"webco." + names[0][1], "webco." + names[1][1], "webco.shop-" + names[0][0], "webco.shop-" + names[1][0]}

	dir := t.TempDir()
	words := append([]string{
		"webco.shop", "webco.free", "webco.new", "webco.more", "moved", "webco", "webco.", "webco.*", "*", "%", "", " ", ".", "-", "--", "..", "none", "all",
		"WEBCO.SHOP", "webco.shop ", "webco.shop\x00", "w\u0435bco.shop", "webco.sho\u0301p", "rival.shop\x00webco.shop",
		"rival", "rival.shop", "rival.gone", "alone", "alone.moved", "alone-customer", "third", "third.shop", "third.gone", "other", "other.moved", "other-customer",
		"1", "2", "3", "4", "5", "99", "0", "-1", "2026", "2026-01", "9999-01-01", "dear", "entry", "nothing", "continue", "suspend", "pending", "suspended",
		"a@example.org", "pdf", "html", "/etc/passwd", filepath.Join(dir, "out"), filepath.Join(dir, "out.pdf"), "true", "--json", "--reseller=rival", "--reseller=webco",
	}, shell.CommandNames((&program{}).commands())...)
	seed := uint64(20261123)
	if !testing.Short() {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	done := map[string]int{}
	for range 1000 {
		line := randomLine(r, words)
		if slices.ContainsFunc(line, func(w string) bool {
			return strings.HasPrefix(w, "--out=") || slices.ContainsFunc(taken, func(n string) bool { return strings.Contains(w, n) })
		}) {
			continue
		}
		var heard [2]string
		for i, m := range worlds {
			out, stderr, code := m.as("webco", line...)
			heard[i] = fmt.Sprintf("code %d\n%s\n%s", code, masked(out), masked(stderr))
			if code == exit.Done {
				for name := range resellersCommands {
					if strings.HasPrefix(strings.Join(line, " "), name+" ") {
						done[name]++
					}
				}
			}
			for _, hint := range regexp.MustCompile(`(?m)^relay: hint: (.*)$`).FindAllStringSubmatch(stderr, -1) {
				if !canFollow(hint[1]) {
					t.Errorf("relay %q: a hint at what it may not do: %s", line, hint[1])
				}
			}
		}
		if heard[0] != heard[1] {
			t.Errorf("relay %q:\n%s\nwith others:\n%s", line, heard[0], heard[1])
		}
	}
	if len(done) < 8 {
		t.Errorf("few commands did anything: %v", done)
	}
	for i, m := range worlds {
		if after := othersOf(t, m); after != before[i] {
			t.Errorf("others have changed:\n%s\nbefore:\n%s", after, before[i])
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("there are files: %v, %v", files, err)
	}
}

var adviceRE = regexp.MustCompile(`\brelay ([a-z]+(?: [a-z]+){0,2})`)

// canFollow reports whether a reseller may give the commands in a hint. Help is for
// everybody, and so is sendmail.
func canFollow(hint string) bool {
	if strings.HasSuffix(hint, " --help") || strings.HasPrefix(hint, "relay sendmail ") {
		return true
	}
	for _, m := range adviceRE.FindAllStringSubmatch(hint, -1) {
		may := false
		for name := m[1]; name != "" && !may; name = name[:max(0, strings.LastIndexByte(name, ' '))] {
			spec := api.Spec(name)
			may = spec != nil && spec.For(act.Actor{Kind: act.Reseller})
		}
		if !may {
			return false
		}
	}
	return true
}

// randomLine is a command line, more often than not one that a reseller may give.
func randomLine(r *rand.Rand, words []string) []string {
	word := func() string { return words[r.IntN(len(words))] }
	own := func() string { return words[r.IntN(5)] }
	var may []string
	for name := range resellersCommands {
		may = append(may, name)
	}
	slices.Sort(may)
	all := (&program{}).commands()
	var line []string
	if r.IntN(4) > 0 {
		line = strings.Fields(may[r.IntN(len(may))])
	} else {
		for subs := all; len(subs) > 0; {
			c := subs[r.IntN(len(subs))]
			line, subs = append(line, c.Name), c.Subcommands
		}
	}
	c := &cli.Command{Subcommands: all}
	for _, w := range line {
		c = c.Subcommands[slices.IndexFunc(c.Subcommands, func(s *cli.Command) bool { return s.Name == w })]
	}
	flags := slices.Concat(c.Flags, (&program{}).globals()[4:])
	permitted := resellersCommands[strings.Join(line, " ")]
	for _, f := range flags {
		name := f.Names()[0]
		required, _ := f.(cli.RequiredFlag)
		often := 8
		if slices.Contains(permitted, name) || name == "json" {
			often = 3
		}
		switch {
		case likely[name] != nil && (name == "plan" || r.IntN(often) == 0):
			line = append(line, "--"+name+"="+append(likely[name], word())[r.IntN(len(likely[name])+1)])
		case required != nil && required.IsRequired(), r.IntN(often) == 0:
			if line = append(line, "--"+name); shell.TakesValue(f) {
				line[len(line)-1] += "=" + word()
			}
		}
	}
	need, most := shell.Arity(c.ArgsUsage)
	for range need + r.IntN(max(1, most-need+1)) {
		if number := strings.Contains(c.ArgsUsage, "NUMBER"); number && r.IntN(4) > 0 {
			line = append(line, fmt.Sprint(1+r.IntN(9)))
		} else if r.IntN(4) > 0 {
			line = append(line, own())
		} else {
			line = append(line, word())
		}
	}
	if r.IntN(12) == 0 {
		line = slices.Insert(line, r.IntN(len(line)+1), word())
	}
	return line
}

// likely values of flags, which a word of all words seldom is.
var likely = map[string][]string{
	"plan": {"dear", "entry"}, "format": {"text", "pdf", "html"}, "state": answer.States, "limit": {"1", "3"},
	"at": {"2026-01-01"}, "period": {"2026", "2026-01"}, "account": {"webco.shop", "rival.shop"}, "login": {"webco.login", "rival"},
}

// masked leaves out what two runs never have in common.
func masked(text string) string {
	for _, re := range []string{
		`(?s)(%PDF).*%%EOF`, // it says when it was made
		`(?m)^(password +).*$`, `("password": ?)"[^"]*"`,
		`()\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?`,
	} {
		text = regexp.MustCompile(re).ReplaceAllString(text, "$1*")
	}
	return text
}

// othersOf is all there is but for what is below webco.
func othersOf(t *testing.T, m *market) string {
	t.Helper()
	var b bytes.Buffer
	show := func(args ...string) string {
		out := m.must(t, append(args, "--json")...)
		fmt.Fprintf(&b, "relay %s\n%s\n", strings.Join(args, " "), masked(out))
		return out
	}
	var all []struct{ Account, Reseller string }
	if err := json.Unmarshal([]byte(m.must(t, "account", "list", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	others := 0
	for _, a := range all {
		name := a.Account
		if a.Reseller == "webco" {
			continue
		}
		others++
		for _, of := range []string{"account show", "account statement", "account credential list", "usage"} {
			show(append(strings.Fields(of), name)...)
		}
		show("invoice", "list", "--account", name)
	}
	if others != 5 {
		t.Errorf("%d accounts of others, want 5", others)
	}
	for _, of := range []string{"customer list", "plan list --all", "payment list", "queue list", "ban list"} {
		show(strings.Fields(of)...)
	}
	fmt.Fprint(&b, regexp.MustCompile(`(?m)^(rival|third).*$`).FindString(m.must(t, "reseller", "list")))
	return b.String()
}
