package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"relay/report/api/act"
	"relay/report/jobs"
	"relay/store"
)

// operatorsActs are for the operator alone, resellersActs for resellers too: the members
// that a reseller may set, and requests that succeed with its own things. ME is the
// reseller, NUMBER one of its invoices. A new act needs a row in one of the two.
const operatorsActs = `
	reseller add, reseller list, reseller show, reseller token, reseller remove,
	customer add, customer list, customer show, customer set, customer remove,
	account set, account remove, account network add, account network list, account network remove,
	account upgrade, account topup, account renew, account activate, account correct, account refund, account close,
	plan show, plan add, plan set, plan retire, plan import, plan export, plan simulate,
	invoice cancel, payment record, payment list, payment reverse,
	delivery classify, delivery unclassified, delivery replay, delivery sites, delivery explain, delivery probe,
	delivery override add, delivery override list, delivery override cancel, domain keys,
	source list, source drain, source resume, source check, account points,
	queue list, queue top, queue show, queue content, queue hold, queue release, queue retry, queue drop,
	trace, trace smtp, trace follow, test, ban list, ban lift, job list, job run, report list, report preview, report send, health, reload, compact, backup, backup record`

var resellersActs = map[string]struct {
	members string
	own     []sample
}{
	"account add": {"account plan contact billing_contact abuse_contact language notify at_limit over_max senders password dry_run method reference auth terms",
		[]sample{{body: `{"account":"ME.new","plan":"dear","dry_run":true}`}, {body: `{"account":"ME.new","plan":"entry","password":"correct horse battery"}`}}},
	"account list":              {"state prefix returns limit cursor", []sample{{}, {path: "/v1/accounts?prefix=r"}, {path: "/v1/accounts?state=pending&limit=9"}, {path: "/v1/accounts?returns=near"}}},
	"account show":              {"account", []sample{{path: "/v1/accounts/ME.shop"}}},
	"account suspend":           {"account reason", []sample{{path: "/v1/accounts/ME.shop/suspend", body: `{"reason":"x"}`}}},
	"account resume":            {"account dry_run", []sample{{path: "/v1/accounts/ME.shop/resume"}}},
	"account remarks":           {"account days", []sample{{path: "/v1/accounts/ME.shop/remarks"}, {path: "/v1/accounts/ME.shop/remarks?days=40"}}},
	"account statement":         {"account at", []sample{{path: "/v1/accounts/ME.shop/statement"}, {path: "/v1/accounts/ME.shop/statement?at=2026-01-01"}}},
	"account credential add":    {"account login note password", []sample{{path: "/v1/accounts/ME.shop/credentials", body: `{"login":"ME.till"}`}}},
	"account credential list":   {"account limit cursor", []sample{{path: "/v1/accounts/ME.shop/credentials"}}},
	"account credential revoke": {"account login", []sample{{path: "/v1/accounts/ME.shop/credentials/ME.till"}}},
	"account credential hold":   {"account login reason dry_run", []sample{{path: "/v1/accounts/ME.shop/credentials/ME.shop/hold", body: `{"reason":"x"}`}}},
	"account credential resume": {"account login dry_run", []sample{{path: "/v1/accounts/ME.shop/credentials/ME.shop/resume", body: `{}`}}},
	"domain add":                {"account domain", []sample{{path: "/v1/accounts/ME.shop/domains", body: `{"domain":"new.example"}`}}},
	"domain list":               {"account limit cursor", []sample{{}, {path: "/v1/domains?account=ME.shop"}}},
	"domain check":              {"account domain", []sample{{path: "/v1/accounts/ME.shop/domains/me.example/check"}}},
	"domain remove":             {"account domain", []sample{{path: "/v1/accounts/ME.shop/domains/me.example"}}},
	"suppression list": {"account reason domain since limit cursor",
		[]sample{{path: "/v1/accounts/ME.shop/suppressions"}, {path: "/v1/accounts/ME.shop/suppressions?domain=example.net&since=1d"}}},
	"suppression add":    {"account recipients note for", []sample{{path: "/v1/accounts/ME.shop/suppressions", body: `{"recipients":["jo@example.net"]}`}}},
	"suppression lift":   {"account recipients filter all dry_run cursor", []sample{{path: "/v1/accounts/ME.shop/suppressions/lift", body: `{"recipients":["jo@example.net"]}`}}},
	"suppression import": {"account document for dry_run", []sample{{path: "/v1/accounts/ME.shop/suppressions/import", body: `{"document":"al@example.net"}`}}},
	"errors":             {"account since advice limit cursor", []sample{{path: "/v1/accounts/ME.shop/errors"}, {path: "/v1/accounts/ME.shop/errors?since=2026-11-01&advice=remove"}}},
	"plan list":          {"limit cursor", []sample{{}}},
	"usage":              {"period state limit cursor", []sample{{}, {path: "/v1/usage?period=2026-01"}}},
	"account usage":      {"account period", []sample{{path: "/v1/accounts/ME.shop/usage"}, {path: "/v1/accounts/ME.shop/usage?period=2026-01"}}},
	"invoice list":       {"account open overdue period limit cursor", []sample{{}, {path: "/v1/invoices?open=true"}, {path: "/v1/invoices?account=ME.shop"}}},
	"invoice show":       {"invoice", []sample{{path: "/v1/invoices/NUMBER"}}},
	"invoice document":   {"invoice format", []sample{{path: "/v1/invoices/NUMBER/document"}, {path: "/v1/invoices/NUMBER/document?format=html"}}},
}

// ownersActs are for customers and keys too, with the scope that a key needs. See
// TestWorlds_owners.
var ownersActs = map[string]string{"suppression list": "activity:read", "suppression add": "suppressions:write",
	"suppression lift": "suppressions:write", "suppression import": "suppressions:write", "errors": "activity:read",
	"account credential list": "account:read", "account credential hold": "account:write", "account credential resume": "account:write"}

// invoices are the first ones of the resellers, in every world.
var invoices = map[string]string{"webco": "3", "rosa": "4"}

// world is a relay with the resellers webco and rosa. Things of others have names made of
// other, which no two worlds share.
type world struct {
	*act.API
	store   *store.Store
	message string // in the queue
}

// operator is the one who may see everything.
var operator = act.Actor{Kind: act.Operator, UID: -1}

func newWorld(t *testing.T, other string) *world {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	m := &machine{[]act.Ban{{Login: other, Failed: 3}}}
	w := &world{store: st, API: New(&act.Service{Store: st, Log: log, Version: "1", Rules: signingRules, Names: noNames,
		Jobs: jobs.New(st, log, func() jobs.Config { return jobs.Config{} }), Running: &act.Running{Host: m, Bans: m}})}
	for line := range strings.Lines(`PATCH /v1/plans/entry {"resale":true}
POST /v1/plans {"plan":"dear","term":"month","emails":1000,"price":"12.50","resale":true}
POST /v1/plans {"plan":"OTHER-plan","term":"year","emails":10}
POST /v1/resellers {"reseller":"webco"}
POST /v1/resellers {"reseller":"rosa"}
POST /v1/resellers {"reseller":"OTHER"}
POST /v1/customers {"customer":"OTHER-customer"}
POST /v1/accounts {"account":"OTHER-alone","plan":"dear","owner":"OTHER-customer"}
POST /v1/accounts {"account":"OTHER.shop","plan":"dear","reseller":"OTHER"}
POST /v1/accounts {"account":"webco.shop","plan":"dear","reseller":"webco"}
POST /v1/accounts {"account":"rosa.shop","plan":"dear","reseller":"rosa"}
POST /v1/accounts {"account":"webco.free","plan":"entry","reseller":"webco"}
POST /v1/accounts {"account":"webco.OTHER","plan":"entry"}
POST /v1/accounts {"account":"OTHER.gone","plan":"entry"}
POST /v1/accounts {"account":"moved","plan":"entry","reseller":"OTHER"}
POST /v1/accounts/moved/suspend {"reason":"x"}
PATCH /v1/accounts/moved {"reseller":"webco"}
POST /v1/accounts/webco.shop/domains {"domain":"me.example"}
POST /v1/accounts/rosa.shop/domains {"domain":"me.example"}
POST /v1/accounts/OTHER.shop/domains {"domain":"OTHER.example"}
POST /v1/accounts/OTHER.shop/credentials {"login":"webco.shop-OTHER"}
POST /v1/payments {"invoices":["2"],"method":"bank","reference":"OTHER","amount":10}`) {
		words := strings.SplitN(strings.TrimSpace(strings.ReplaceAll(line, "OTHER", other)), " ", 3)
		if got := w.ask(operator, words[0], words[1], words[2]); !strings.HasPrefix(got, "200") {
			t.Fatalf("%s: %s", line, got)
		}
	}
	w.message = queued(t, st)
	return w
}

// ask is an answer in full: status, headers and body.
func (w *world) ask(a act.Actor, method, target, body string) string {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	to := httptest.NewRecorder()
	w.ServeHTTP(to, r.WithContext(act.WithActor(r.Context(), a)))
	var b strings.Builder
	fmt.Fprintln(&b, to.Code)
	_ = to.Result().Header.Write(&b) // sorted
	return b.String() + "\n" + to.Body.String()
}

// last is the number of the last transaction that the store wrote.
func (w *world) last(t *testing.T) (id int64) {
	t.Helper()
	if _, err := w.store.Copy(io.Discard, func(i store.Image) error { id = i.TxID; return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

// worlds are two that nobody but the operator can tell apart.
type worlds struct {
	t    *testing.T
	both [2]*world
}

func newWorlds(t *testing.T) *worlds {
	return &worlds{t, [2]*world{newWorld(t, "rival"), newWorld(t, "third")}}
}

// ask is the answer that both worlds give.
func (w *worlds) ask(a act.Actor, method, target, body string) string {
	w.t.Helper()
	first, second := w.both[0].ask(a, method, target, body), w.both[1].ask(a, method, target, body)
	if a, b := masked(first), masked(second); a != b {
		w.t.Errorf("%v: %s %s %s:\n%s\nin the other world:\n%s", a, method, target, body, a, b)
	}
	return first
}

// unchanged checks that what do asks for is refused before anything is written.
func (w *worlds) unchanged(what string, do func()) {
	w.t.Helper()
	var before [2]int64
	for i, one := range w.both {
		before[i] = one.last(w.t)
	}
	do()
	for i, one := range w.both {
		if after := one.last(w.t); after != before[i] {
			w.t.Errorf("%s: the store has changed, in %d transactions", what, after-before[i])
		}
	}
}

// masked leaves out what no two answers have in common.
func masked(text string) string {
	return regexp.MustCompile(`"(login_)?password": ?"[^"]*"|[a-z2-7]{16}\.[es][12]\.relay|(?s)%PDF.*%%EOF`).ReplaceAllString(text, "*")
}

func bodyOf(answer string) string { _, body, _ := strings.Cut(answer, "\r\n\n"); return body }

// The rows above say the same of each act as its Spec does.
func TestWorlds_rights(t *testing.T) {
	operators := map[string]bool{}
	for name := range strings.SplitSeq(operatorsActs, ",") {
		operators[strings.TrimSpace(name)] = true
	}
	for _, a := range Acts() {
		spec, want := a.About(), act.Operator
		_, resellers := resellersActs[spec.Name]
		if resellers {
			want |= act.Reseller
		}
		scoped := ownersActs[spec.Name]
		if scoped != "" {
			want |= act.Customer | act.Key
		}
		if spec.May != want || resellers == operators[spec.Name] || spec.Scope != scoped {
			t.Errorf("act %q is for %b, with the scope %q: that has no test here", spec.Name, spec.May, spec.Scope)
		}
	}
	if all := len(operators) + len(resellersActs); all != len(Acts()) {
		t.Errorf("%d acts have tests, of %d", all, len(Acts()))
	}
}

// An act that is not for an actor is not found, with any request, and writes nothing.
func TestWorlds_notFor(t *testing.T) {
	w := newWorlds(t)
	for _, a := range []act.Actor{{}, {Kind: act.Reseller, Name: "webco"}, {Kind: act.Reseller, Name: "rosa"}, {Kind: act.Customer, Name: "rival-customer"},
		{Kind: act.Key, Name: "webco.shop", Scopes: []string{"", "send", "account", "read"}}} {
		want := w.ask(a, "GET", "/v1/nonsense", "")
		for _, s := range samples {
			spec := Spec(s.act)
			if spec.For(a) {
				continue
			}
			method, route, _ := strings.Cut(spec.Route, " ")
			w.unchanged(s.act, func() {
				for _, one := range append(s.list, sample{body: "{"}, sample{path: strings.NewReplacer("{account}", "webco.shop", "{invoice}", "3").Replace(route)}) {
					target := strings.ReplaceAll(cmp.Or(one.path, route), "MESSAGE", w.both[0].message)
					body := strings.ReplaceAll(one.body, "MESSAGE", w.both[0].message)
					if got := w.ask(a, method, target, body); got != want {
						t.Errorf("%v: %s %s %s: %s\nwant %s", a, method, target, body, got, want)
					}
				}
			})
		}
	}
}

// A reseller's acts work on its own things. A thing of others is not found, in the same
// words as one that does not exist.
func TestWorlds_names(t *testing.T) {
	w := newWorlds(t)
	foreign := []string{"rival.shop", "third.shop", "rival-alone", "rival", "", "../x", "webco", "webco.none", "webco.shop\x00", "WEBCO.SHOP", "webco.rival"}
	numbers := []string{"1", "2", "99", "0", "x", "-1"}
	for name, peer := range map[string]string{"webco": "rosa", "rosa": "webco"} {
		a := act.Actor{Kind: act.Reseller, Name: name}
		none := bodyOf(w.ask(a, "GET", "/v1/nonsense", ""))
		done := map[string]bool{}
		for _, s := range samples { // in their order
			if done[s.act] {
				continue
			}
			done[s.act] = true
			method, route, _ := strings.Cut(Spec(s.act).Route, " ")
			for _, one := range resellersActs[s.act].own {
				target, body := cmp.Or(one.path, route), strings.ReplaceAll(one.body, "ME", name)
				w.unchanged(s.act, func() {
					for _, of := range append(foreign, peer+".shop") {
						list := of == "" && strings.Contains(target, "=ME.shop") // without the filter
						if strings.Contains(target, "ME.shop") && !list {
							w.same(a, method, strings.ReplaceAll(target, "ME.shop", url.PathEscape(of)), body, none)
						}
					}
					for _, number := range append(numbers, invoices[peer]) {
						if strings.Contains(target, "NUMBER") {
							w.same(a, method, strings.ReplaceAll(target, "NUMBER", number), body, none)
						}
					}
				})
				target = strings.NewReplacer("ME", name, "NUMBER", invoices[name]).Replace(target)
				got := w.ask(a, method, target, body)
				if !strings.HasPrefix(got, "200") || regexp.MustCompile("rival|third|alone|"+peer).MatchString(got) {
					t.Errorf("%v: %s %s %s: %s", a, method, target, body, got)
				}
			}
		}
	}
}

// A customer and a key have the acts of ownersActs on their own accounts; others are not
// found. A key needs the scope.
func TestWorlds_owners(t *testing.T) {
	w := newWorld(t, "rival")
	owner := act.Actor{Kind: act.Customer, Name: "rival-customer"}
	key := act.Actor{Kind: act.Key, Name: "rival-alone", Scopes: []string{"activity:read", "suppressions:write", "account:read", "account:write"}}
	reader := act.Actor{Kind: act.Key, Name: "rival-alone", Scopes: []string{"activity:read"}}
	for name, scope := range ownersActs {
		method, route, _ := strings.Cut(Spec(name).Route, " ")
		one := resellersActs[name].own[0]
		for _, of := range []string{"rival-alone", "webco.shop", "rival.gone", "nobody", ""} {
			target := strings.ReplaceAll(cmp.Or(one.path, route), "ME.shop", of)
			for _, a := range []act.Actor{owner, key, reader} {
				want := "404"
				if of == "rival-alone" && (a.Kind != act.Key || slices.Contains(a.Scopes, scope)) {
					want = "200"
				}
				if got := w.ask(a, method, target, one.body); !strings.HasPrefix(got, want) {
					t.Errorf("%v: %s %s %s: %s, want %s", a, method, target, one.body, got, want)
				}
			}
		}
	}
}

// same checks the answer's body.
func (w *worlds) same(a act.Actor, method, target, body, want string) {
	w.t.Helper()
	if got := w.ask(a, method, target, body); bodyOf(got) != want || !strings.HasPrefix(got, "404") {
		w.t.Errorf("%v: %s %s %s: %s\nwant %s", a, method, target, body, got, want)
	}
}

// member of a request.
type member struct{ name, in, kind string }

// membersOf are those of an act's request, by name.
func membersOf(doc *huma.OpenAPI, spec *act.Spec) (list []member) {
	method, route, _ := strings.Cut(spec.Route, " ")
	p := doc.Paths[route]
	op := map[string]*huma.Operation{"GET": p.Get, "POST": p.Post, "PATCH": p.Patch, "DELETE": p.Delete}[method]
	for _, m := range op.Parameters {
		list = append(list, member{m.Name, m.In, m.Schema.Type})
	}
	if op.RequestBody != nil {
		of := op.RequestBody.Content["application/json"].Schema
		if of.Ref != "" {
			of = doc.Components.Schemas.SchemaFromRef(of.Ref)
		}
		for name, m := range of.Properties {
			list = append(list, member{name, "body", m.Type})
		}
	}
	slices.SortFunc(list, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return list
}

// call is a request that is put together member by member.
type call struct {
	path  string
	query url.Values
	body  map[string]any
}

func (c *call) set(m member, value string) {
	switch m.in {
	case "path":
		c.path = strings.ReplaceAll(c.path, "{"+m.name+"}", url.PathEscape(value))
	case "query":
		c.query.Set(m.name, value)
	default:
		c.body[m.name] = map[string]any{"string": value, "boolean": true, "integer": len(value), "array": []string{value}}[m.kind]
	}
}

// text is the target and the body; the body is left out where nothing is in it.
func (c *call) text() (target, body string) {
	if target = c.path; len(c.query) > 0 {
		target += "?" + c.query.Encode()
	}
	if len(c.body) > 0 {
		text, _ := json.Marshal(c.body) // texts, numbers and lists of texts
		body = string(text)
	}
	return target, body
}

// callOf is the request of a sample.
func callOf(route string, s sample, own *strings.Replacer) *call {
	target, query, _ := strings.Cut(own.Replace(cmp.Or(s.path, route)), "?")
	c := &call{path: target, body: map[string]any{}}
	c.query, _ = url.ParseQuery(query)
	_ = json.Unmarshal([]byte(own.Replace(s.body)), &c.body) // there may be none
	return c
}

// A reseller may set the members in the rows above, and learns nothing of others from any
// value. Every other member is refused, so a new one needs an entry there.
func TestWorlds_members(t *testing.T) {
	w := newWorlds(t)
	doc, a := w.both[0].OpenAPI(), act.Actor{Kind: act.Reseller, Name: "webco"}
	none := bodyOf(w.ask(a, "GET", "/v1/nonsense", ""))
	own := strings.NewReplacer("ME", "webco", "NUMBER", invoices["webco"])
	for name, r := range resellersActs {
		spec, left := Spec(name), strings.Fields(r.members)
		method, route, _ := strings.Cut(spec.Route, " ")
		for _, m := range membersOf(doc, spec) {
			may := slices.Contains(left, m.name)
			left = slices.DeleteFunc(left, func(name string) bool { return name == m.name })
			for _, value := range words {
				if m.in == "path" || may && taken.MatchString(value) {
					break
				}
				c := callOf(route, r.own[0], own)
				c.set(m, cmp.Or(map[string]string{"boolean": "true", "integer": "1"}[m.kind], value, "x"))
				if target, body := c.text(); may {
					w.ask(a, method, target, body)
				} else {
					w.unchanged(name, func() { w.same(a, method, target, body, none) })
				}
			}
		}
		if len(left) > 0 {
			t.Errorf("act %q has no members %q", name, left)
		}
	}
}

// words that requests are made of.
var words = []string{"webco.shop", "webco.free", "webco.new", "webco.more", "moved", "webco", "webco.", "webco.*", "*", "%", "", " ", ".", "-",
	"WEBCO.SHOP", "webco.shop ", "webco.shop\x00", "w\u0435bco.shop", "webco.sho\u0301p", "rival.shop\x00webco.shop", "../x", "none",
	"rival", "rival.shop", "rival.gone", "rival-alone", "rival-customer", "rival-plan", "third", "third.shop", "third.gone", "third-alone", "third-customer", "third-plan",
	"1", "2", "3", "4", "5", "99", "0", "-1", "2026", "2026-01", "9999-01-01", "entry", "nothing", "a@example.org", "/etc/passwd", "true"}
