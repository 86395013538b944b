package plans

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"relay/quota"
)

// drawPlan is any plan that there can be.
func drawPlan(t *rapid.T, name string) quota.Plan {
	counts := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 1_000_000), rapid.Int64Range(1, math.MaxInt64))
	sizes := rapid.OneOf(counts, rapid.Map(rapid.Int64Range(1, 9_000_000_000), func(n int64) int64 { return n * 1_000_000 }))
	prices := rapid.OneOf(rapid.Int64Range(1, 100_000), rapid.Int64Range(1, 1_000_000_000_000))
	p := quota.Plan{
		Name:       name,
		Emails:     counts.Draw(t, "emails"),
		Bandwidth:  sizes.Draw(t, "bandwidth"),
		Term:       rapid.SampledFrom([]quota.Term{quota.Year, quota.Month}).Draw(t, "term"),
		Recipients: rapid.IntRange(0, 10_000).Draw(t, "recipients"),
		CreditStep: sizes.Draw(t, "step"),
		Dedicated:  rapid.Bool().Draw(t, "dedicated"),
		Retired:    rapid.Bool().Draw(t, "retired"),
		AtLimit:    rapid.SampledFrom([][]quota.AtLimit{nil, {quota.Suspend}}).Draw(t, "at limit"),
	}
	if rapid.Bool().Draw(t, "priced") {
		p.Price = prices.Draw(t, "price")
	}
	if p.Kind() != quota.Bandwidth || p.Term != quota.Year {
		return p
	}
	p.AtLimit = rapid.SampledFrom([][]quota.AtLimit{nil, {quota.Suspend}, {quota.Continue}, {quota.Continue, quota.Suspend}}).Draw(t, "choices")
	unit := 1000 * rapid.Int64Range(1, 1_000_000).Draw(t, "unit")
	for _, n := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 100), 0, 6, func(n int64) int64 { return n }).Draw(t, "blocks") {
		p.Blocks = append(p.Blocks, quota.Block{Bytes: n * unit, Price: rapid.Int64Range(1, n*unit/10).Draw(t, "block's price")})
	}
	return p
}

// What is exported is imported as it was, to the octet and the cent.
func TestPlans_file(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		var list []quota.Plan
		for i := range rapid.IntRange(1, 5).Draw(t, "plans") {
			list = append(list, drawPlan(t, fmt.Sprintf("plan-%d", i)))
			if err := list[i].Validate(); err != nil {
				t.Fatal(err)
			}
		}
		var text bytes.Buffer
		if err := writePlans(&text, list, currency); err != nil {
			t.Fatal(err)
		}
		got, err := readPlans("plans.toml", text.String(), currency)
		if err != nil {
			t.Fatalf("%v\n%s", err, &text)
		}
		if d := cmp.Diff(list, got); d != "" {
			t.Fatalf("%s\n%s", d, &text)
		}
		for i := range list {
			if d := differences(&list[i], &got[i], currency); d.Change != "same" || len(d.Changed) > 0 {
				t.Fatalf("%+v", d)
			}
		}
	})
}

// differences names what differs, and nothing else: what has other terms has
// some.
func TestPlans_differences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPlan(t, "plan"), drawPlan(t, "plan")
		d := differences(&a, &b, "EUR")
		if same := cmp.Equal(a, b); same != (d.Change == "same") || same != (len(d.Changed) == 0) {
			t.Fatalf("%+v and %+v: %+v", a, b, d)
		}
		if d.Change == "same" && !sameTerms(&a, &b) {
			t.Fatal("the same, and other terms")
		}
	})
}

func TestReadPlans_wrong(t *testing.T) {
	const ok = "[[plan]]\nname = \"a\"\nterm = \"year\"\n"
	for _, c := range []struct{ text, want string }{
		{"", "it has no [[plan]]"},
		{"[[plan]\n", "line 1: "},
		{"colour = 1\n" + ok, `line 1: unknown key "colour"`},
		{ok + "bandwith = \"1GB\"\n", `line 4: unknown key "plan.bandwith"`},
		{"currency = \"USD\"\n" + ok, "its prices are in USD, those of [billing] in EUR"},
		{ok + ok, `plan 2, "a": there are two of that name`},
		{ok + "emails = 0\n", "emails: 0: more than 0"},
		{ok + "emails = 1.5\n", "emails: 1.5 is no whole number"},
		{ok + "bandwidth = \"plenty\"\n", `bandwidth: "plenty" is not a size`},
		{ok + "price = 12.50\n", "amounts stand in quotes"},
		{ok + "price = \"12.505\"\n", "price: "},
		{ok + "price = \"-1\"\n", "price: -1: not below zero"},
		{ok + "price = -1\n", "price: -1: not below zero"},
		{ok + "kind = \"bandwidth\"\n", "kind bandwidth: needs a limit in bandwidth"},
		{ok + "kind = \"heap\"\n", `kind "heap": bandwidth or count`},
		{ok + "kind = \"count\"\nbandwidth = \"1GB\"\n", "kind count: has no limit in bandwidth"},
		{ok + "blocks = [{ size = \"1GB\", price = \"5\" }]\n", "only yearly plans with a bandwidth have them"},
		{ok + "bandwidth = \"1GB\"\nblocks = [{ size = \"1GB\" }]\n", "price above zero"},
		{ok + "recipients = 99999999999\n", "recipients: 1 to 10,000"},
		{ok + "at_limit = [\"stop\"]\n", `at limit "stop": suspend or continue`},
		{ok + "credit_step = \"1MB\"\n", `credit_step: "1MB" is not a number`},
		{"[[plan]]\nname = \"A b\"\nterm = \"week\"\n", `term "week": year or month`},
	} {
		_, err := readPlans("plans.toml", c.text, "EUR")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

// M11: a bandwidth plan in a file that does not say has an e-mail for each 10 KB, and
// what has no limit says so, also when it is written.
func TestReadPlans_emails(t *testing.T) {
	text := "[[plan]]\nname = \"a\"\nterm = \"year\"\nbandwidth = \"90MB\"\n" +
		"[[plan]]\nname = \"b\"\nterm = \"year\"\nbandwidth = \"90MB\"\nemails = \"unlimited\"\n" +
		"[[plan]]\nname = \"c\"\nterm = \"year\"\n"
	list, err := readPlans("plans", text, "EUR")
	if err != nil || list[0].Emails != 9000 || list[1].Emails != 0 || list[2].Emails != 0 {
		t.Fatalf("read %+v, %v", list, err)
	}
	var out strings.Builder
	if err := writePlans(&out, list, "EUR"); err != nil {
		t.Fatal(err)
	}
	again, err := readPlans("written", out.String(), "EUR")
	if err != nil || !cmp.Equal(list, again) {
		t.Errorf("written and read again: %+v, %v, want %+v", again, err, list)
	}
}

// An editor may have begun the file with a byte order mark.
func TestReadPlans_orderMark(t *testing.T) {
	list, err := readPlans("plans.toml", "\ufeff[[plan]]\nname = \"small\"\nterm = \"year\"\nbandwidth = \"90MB\"\n", "EUR")
	if err != nil || len(list) != 1 || list[0].Name != "small" {
		t.Errorf("plans %+v, %v", list, err)
	}
}
