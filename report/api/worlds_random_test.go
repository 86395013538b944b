package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"relay/report/api/act"
	"relay/report/api/answer"
)

// Random requests of a reseller, in random order, get the same answers in both worlds, so
// they tell nothing of others. They change nothing of others either.
func TestWorlds_random(t *testing.T) {
	w := newWorlds(t)
	doc, a := w.both[0].OpenAPI(), act.Actor{Kind: act.Reseller, Name: "webco"}
	var before [2]string
	for i, one := range w.both {
		before[i] = one.others(t)
	}
	seed := uint64(20261123)
	if !testing.Short() {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	g := guesser{rand.New(rand.NewPCG(seed, 0))}
	all := slices.Collect(maps.Keys(resellersActs))
	slices.Sort(all)
	done := map[string]int{}
	for range 1000 {
		spec := Spec(all[g.IntN(len(all))])
		if g.IntN(8) == 0 {
			spec = Acts()[g.IntN(len(Acts()))].About()
		}
		method, route, _ := strings.Cut(spec.Route, " ")
		target, body := g.guess(route, resellersActs[spec.Name].members, membersOf(doc, spec)).text()
		if taken.MatchString(target + body) {
			continue
		}
		last := w.both[0].last(t)
		got := w.ask(a, method, target, body)
		if strings.HasPrefix(got, "200") {
			done[spec.Name]++
		} else if w.both[0].last(t) != last {
			t.Errorf("%s %s %s is refused, and the store has changed", method, target, body)
		}
		var p act.Problem
		if json.Unmarshal([]byte(bodyOf(got)), &p) == nil && p.Hint != nil {
			for _, step := range p.Hint.Acts {
				if of := Spec(step.Act); of == nil || !of.For(a) || strings.Contains(p.Hint.Text, "relay ") {
					t.Errorf("%s %s %s: a hint at what it may not do: %s", method, target, body, p.Hint.Line("relay"))
				}
			}
		}
	}
	if len(done) < 8 {
		t.Errorf("few acts did anything: %v", done)
	}
	for i, one := range w.both {
		if after := one.others(t); after != before[i] {
			t.Errorf("others have changed:\n%s\nbefore:\n%s", after, before[i])
		}
	}
}

// taken are names in webco's own part of the names that are the operator's in one world
// and nobody's in the other: that they are taken is no secret.
var taken = regexp.MustCompile(`webco\.(shop-)?(rival|third)`)

// guesser makes up requests.
type guesser struct{ *rand.Rand }

func (g guesser) one(of []string) string { return of[g.IntN(len(of))] }

// guess is a request, more often than not one that a reseller may make.
func (g guesser) guess(route, may string, all []member) *call {
	c := &call{route, url.Values{}, map[string]any{}}
	for _, m := range all {
		often := 8
		if slices.Contains(strings.Fields(may), m.name) {
			often = 3
		}
		value := g.one(words)
		switch of := likely[m.name]; {
		case of != nil && g.IntN(4) > 0:
			value = g.one(of)
		case m.kind == "boolean":
			value = "true"
		case m.kind == "integer" && m.in == "query":
			value = fmt.Sprint(1 + g.IntN(9))
		}
		if m.in == "path" || m.name == "account" || m.name == "plan" || m.name == "reason" || g.IntN(often) == 0 {
			c.set(m, value)
		}
	}
	return c
}

// likely values of members, which a word of all words seldom is.
var likely = map[string][]string{
	"account": {"webco.shop", "webco.free", "webco.new", "webco.more", "moved"}, "plan": {"dear", "entry"}, "invoice": {"1", "2", "3", "4", "5", "6"},
	"format": {"text", "pdf", "html"}, "state": answer.States, "at": {"2026-01-01"}, "period": {"2026", "2026-01"}, "login": {"webco.login", "webco.shop-2", "rival.shop", "third.shop"},
	"password": {"correct horse battery"}, "at_limit": {"suspend", "continue"}, "reason": {"x"}, "cursor": {""}, "method": {"bank"}, "language": {"de"}, "notify": {"usage"},
}

// others is what the operator sees of all that is not below webco.
func (w *world) others(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	show := func(target string) string {
		got := w.ask(operator, "GET", target, "")
		fmt.Fprintln(&b, target, got)
		return bodyOf(got)
	}
	var all []struct {
		Account  string
		Reseller *string
	}
	if err := json.Unmarshal([]byte(bodyOf(w.ask(operator, "GET", "/v1/accounts", ""))), &all); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range all {
		if a.Reseller != nil && *a.Reseller == "webco" {
			continue
		}
		n++
		for _, of := range []string{"", "/statement", "/credentials", "/usage"} {
			show("/v1/accounts/" + a.Account + of)
		}
		show("/v1/invoices?account=" + a.Account)
	}
	if n != 6 {
		t.Errorf("%d accounts of others, want 6", n)
	}
	for _, of := range []string{"customers", "plans?retired=true", "payments", "queue", "bans", "networks", "resellers/rosa"} {
		show("/v1/" + of)
	}
	return b.String()
}
