package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/mailer/verdict"
	"relay/quota"
	"relay/report/api/act"
	"relay/report/jobs"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/mailreply"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/remark"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// sample is a request of an act: method and path come from its route, with the names
// of things that are there.
type sample struct {
	path string // with query; "": the route's own
	body string
	want int // status; 0: 200
}

// samples has at least one request for each act, in the order in which they can be
// made: what one adds another one shows.
var samples = []struct {
	act  string
	list []sample
}{
	{"reseller add", []sample{{body: `{"reseller":"webco","contact":"boss@webco.example"}`}, {body: `{"reseller":"webco"}`, want: 409}, {body: `{"reseller":""}`, want: 422}}},
	{"reseller list", []sample{{}, {path: "/v1/resellers?limit=1"}}},
	{"reseller show", []sample{{path: "/v1/resellers/webco"}, {path: "/v1/resellers/nobody", want: 404}}},
	{"reseller token", []sample{{path: "/v1/resellers/webco/token"}}},
	{"customer add", []sample{{body: `{"customer":"acme","address":["Acme Srl","Via Roma 1"],"country":"IT"}`}, {body: `{"customer":"acme","country":"Italy"}`, want: 422}}},
	{"customer list", []sample{{}}},
	{"customer show", []sample{{path: "/v1/customers/acme"}}},
	{"customer set", []sample{{path: "/v1/customers/acme", body: `{"reseller":"webco"}`}, {path: "/v1/customers/acme", body: `{"reseller":"nobody"}`, want: 404}}},
	{"reseller remove", []sample{{path: "/v1/resellers/webco", want: 409}}},
	{"account add", []sample{{body: `{"account":"shop","plan":"standard","owner":"acme","contact":"boss@acme.example","at_limit":"continue","over_max":5000000000,"billing_contact":"pay@acme.example","abuse_contact":"abuse@acme.example","language":"it","notify":["usage","daily"]}`},
		{body: `{"account":"shop","plan":"standard"}`, want: 409}, {body: `{"account":"other","plan":"nothing"}`, want: 404}, {body: `{"account":"other","plan":"entry","dry_run":true}`},
		{body: `{"account":"other","plan":"entry","password":"password"}`, want: 422}}},
	{"account list", []sample{{}, {path: "/v1/accounts?owner=acme&state=active&limit=1"}, {path: "/v1/accounts?prefix=sh"}, {path: "/v1/accounts?state=odd", want: 422}}},
	{"account show", []sample{{path: "/v1/accounts/shop"}, {path: "/v1/accounts/nobody", want: 404}}},
	{"account set", []sample{{path: "/v1/accounts/shop", body: `{"senders":["@acme.example"],"owner":"","reference":"PO 1","first_cap":500}`}, {path: "/v1/accounts/shop", body: `{"method":"shells"}`, want: 422}}},
	{"account suspend", []sample{{path: "/v1/accounts/shop/suspend", body: `{"reason":"spam"}`}, {path: "/v1/accounts/shop/suspend", body: `{"reason":" "}`, want: 422}}},
	{"account resume", []sample{{path: "/v1/accounts/shop/resume", body: `{"dry_run":true}`}, {path: "/v1/accounts/shop/resume"}, {path: "/v1/accounts/shop/resume", body: `{}`}}},
	{"account credential add", []sample{{path: "/v1/accounts/shop/credentials", body: `{"note":"printer"}`}, {path: "/v1/accounts/shop/credentials", body: `{"login":"shop"}`, want: 409}}},
	{"account credential list", []sample{{path: "/v1/accounts/shop/credentials"}}},
	{"account credential hold", []sample{{path: "/v1/accounts/shop/credentials/shop-2/hold", body: `{"reason":"lost phone","dry_run":true}`}, {path: "/v1/accounts/shop/credentials/shop-2/hold", body: `{"reason":"lost phone"}`},
		{path: "/v1/accounts/shop/credentials/shop-2/hold", body: `{}`}, {path: "/v1/accounts/shop/credentials/nobody/hold", body: `{}`, want: 409}, {path: "/v1/accounts/nobody/credentials/shop-2/hold", body: `{}`, want: 404}}},
	{"account credential list", []sample{{path: "/v1/accounts/shop/credentials"}}},
	{"account credential resume", []sample{{path: "/v1/accounts/shop/credentials/shop-2/resume", body: `{"dry_run":true}`}, {path: "/v1/accounts/shop/credentials/shop-2/resume", body: `{}`},
		{path: "/v1/accounts/shop/credentials/shop-2/resume", body: `{}`}, {path: "/v1/accounts/shop/credentials/nobody/resume", body: `{}`, want: 409}}},
	{"account credential revoke", []sample{{path: "/v1/accounts/shop/credentials/shop-2"}, {path: "/v1/accounts/shop/credentials/shop-2", want: 409}}},
	{"account network add", []sample{{path: "/v1/accounts/shop/networks", body: `{"network":"192.0.2.0/28"}`}, {path: "/v1/accounts/shop/networks", body: `{"network":"192.0.2.0/28"}`, want: 409}}},
	{"account network list", []sample{{}, {path: "/v1/networks?account=shop"}}},
	{"account network remove", []sample{{path: "/v1/accounts/shop/networks?network=192.0.2.0%2F28"}, {path: "/v1/accounts/shop/networks?network=x", want: 422}}},
	{"account upgrade", []sample{{path: "/v1/accounts/shop/upgrade", body: `{"plan":"mega"}`}, {path: "/v1/accounts/shop/upgrade", body: `{"plan":"entry"}`, want: 409}}},
	{"account topup", []sample{{path: "/v1/accounts/shop/topup", body: `{"block":1000000000}`, want: 409}, {path: "/v1/accounts/shop/topup", body: `{}`, want: 422}}},
	{"account renew", []sample{{path: "/v1/accounts/shop/renew", body: `{"dry_run":true}`}}},
	{"account activate", []sample{{path: "/v1/accounts/shop/activate", body: `{}`, want: 409}}},
	{"account correct", []sample{{path: "/v1/accounts/shop/correct", body: `{"amount":-1250,"reason":"bank charge"}`}, {path: "/v1/accounts/shop/correct", body: `{"reason":"x"}`, want: 422}}},
	{"account remarks", []sample{{path: "/v1/accounts/sender/remarks"}, {path: "/v1/accounts/shop/remarks?days=3"}, {path: "/v1/accounts/shop/remarks?days=99", want: 422}, {path: "/v1/accounts/nobody/remarks", want: 404}}},
	{"account statement", []sample{{path: "/v1/accounts/shop/statement"}, {path: "/v1/accounts/shop/statement?at=never", want: 422}}},
	{"account refund", []sample{{path: "/v1/accounts/shop/refund", body: `{"dry_run":true}`}}},
	{"domain add", []sample{{path: "/v1/accounts/shop/domains", body: `{"domain":"Shop.example"}`}, {path: "/v1/accounts/shop/domains", body: `{"domain":"shop.example."}`, want: 409},
		{path: "/v1/accounts/shop/domains", body: `{"domain":"co.uk"}`, want: 422}, {path: "/v1/accounts/nobody/domains", body: `{"domain":"shop.example"}`, want: 404}}},
	{"domain list", []sample{{}, {path: "/v1/domains?account=shop"}}},
	{"domain check", []sample{{path: "/v1/accounts/shop/domains/shop.example/check"}, {path: "/v1/accounts/shop/domains/other.example/check", want: 404}}},
	{"domain keys", []sample{{}}},
	{"suppression add", []sample{{path: "/v1/accounts/shop/suppressions", body: `{"recipients":["Jo@Example.net"],"note":"asked to","for":"30d"}`}, {path: "/v1/accounts/shop/suppressions", body: `{"recipients":["jo"]}`, want: 422},
		{path: "/v1/accounts/nobody/suppressions", body: `{"recipients":["jo@example.net"]}`, want: 404}}},
	{"suppression import", []sample{{path: "/v1/accounts/shop/suppressions/import", body: `{"document":"recipient,reason,reply\nal@example.net,InvalidRecipient,550 5.1.1 no\n"}`},
		{path: "/v1/accounts/shop/suppressions/import", body: `{"document":"jo\n"}`, want: 422}}},
	{"suppression list", []sample{{path: "/v1/accounts/shop/suppressions"}, {path: "/v1/accounts/shop/suppressions?reason=Manual&domain=example.net&since=1h&limit=1"},
		{path: "/v1/accounts/shop/suppressions?since=x", want: 422}, {path: "/v1/accounts/nobody/suppressions", want: 404}}},
	{"errors", []sample{{path: "/v1/accounts/sender/errors"}, {path: "/v1/accounts/sender/errors?since=7d&advice=remove&limit=1"}, {path: "/v1/accounts/sender/errors?since=2026-11-01"},
		{path: "/v1/accounts/shop/errors?since=x", want: 422}, {path: "/v1/accounts/shop/errors?advice=keep", want: 422}, {path: "/v1/accounts/nobody/errors", want: 404}}},
	{"suppression lift", []sample{{path: "/v1/accounts/shop/suppressions/lift", body: `{"recipients":["jo@example.net","none@example.net"]}`}, {path: "/v1/accounts/shop/suppressions/lift", body: `{"all":true,"dry_run":true}`},
		{path: "/v1/accounts/shop/suppressions/lift", body: `{}`, want: 422}}},
	{"domain remove", []sample{{path: "/v1/accounts/shop/domains/shop.example"}, {path: "/v1/accounts/shop/domains/shop.example", want: 404}}},
	{"account close", []sample{{path: "/v1/accounts/shop/close", body: `{"reason":"moved"}`}, {path: "/v1/accounts/shop/close", body: `{}`, want: 409}}},
	{"account add", []sample{{body: `{"account":"brief","plan":"entry"}`}}},
	{"account remove", []sample{{path: "/v1/accounts/brief"}, {path: "/v1/accounts/brief", want: 404}}},
	{"account set", []sample{{path: "/v1/accounts/shop", body: `{"reseller":""}`}}},
	{"customer remove", []sample{{path: "/v1/customers/acme"}, {path: "/v1/customers/acme", want: 404}}},
	{"reseller remove", []sample{{path: "/v1/resellers/webco"}}},
	{"queue list", []sample{{}, {path: "/v1/queue?domain=one.example&older_than=1s"}, {path: "/v1/queue?sender=nobody", want: 422}}},
	{"queue top", []sample{{}, {path: "/v1/queue/top?by=domain&limit=1"}, {path: "/v1/queue/top?by=size", want: 422}}},
	{"queue show", []sample{{path: "/v1/queue/MESSAGE"}, {path: "/v1/queue/01ARZ3NDEKTSV4RRFFQ69G5FAV", want: 404}, {path: "/v1/queue/x", want: 422}}},
	{"queue content", []sample{{path: "/v1/queue/MESSAGE/content?part=headers"}, {path: "/v1/queue/01ARZ3NDEKTSV4RRFFQ69G5FAV/content", want: 404}}},
	{"queue hold", []sample{{body: `{"ids":["MESSAGE"]}`}, {body: `{}`, want: 422}, {body: `{"all":true,"ids":["MESSAGE"]}`, want: 422}}},
	{"queue release", []sample{{body: `{"filter":{"held":true},"dry_run":true}`}, {body: `{"all":true}`}}},
	{"queue retry", []sample{{body: `{"filter":{"domain":"one.example"},"limit":1}`}, {body: `{"filter":{"domain":"a@b"}}`, want: 422}}},
	{"usage", []sample{{}, {path: "/v1/usage?period=2026-11&state=active"}, {path: "/v1/usage?period=2026", want: 422}}},
	{"account usage", []sample{{path: "/v1/accounts/sender/usage"}, {path: "/v1/accounts/nobody/usage", want: 404}}},
	{"trace", []sample{{path: "/v1/trace?what=MESSAGE"}, {path: "/v1/trace?account=sender&since=1h&limit=1"}, {want: 422}}},
	{"trace smtp", []sample{{path: "/v1/trace/MESSAGE/smtp"}, {path: "/v1/trace/x/smtp", want: 422}, {path: "/v1/trace/01ARZ3NDEKTSV4RRFFQ69G5FAV/smtp", want: 404}}},
	{"trace follow", []sample{{want: 502}}},
	{"test", []sample{{body: `{"to":"you@example.net","account":"sender"}`}, {body: `{"to":"you"}`, want: 422}, {body: `{"to":"you@example.net","account":"nobody"}`, want: 404}}},
	{"delivery sites", []sample{{path: "/v1/delivery/sites?limit=3"}}},
	{"delivery override add", []sample{{path: "/v1/delivery/overrides", body: `{"target":"shop","do":"slow","rate":5,"reason":"a new list","seconds":3600}`},
		{path: "/v1/delivery/overrides", body: `{"target":"mx.example.net","do":"stop","reason":"x","seconds":60}`}, {path: "/v1/delivery/overrides", body: `{"target":"example.net","do":"bounce","reason":"x","seconds":60}`},
		{path: "/v1/delivery/overrides", body: `{"target":"shop","do":"source","source":"192.0.2.1","reason":"x","seconds":60}`}, {path: "/v1/delivery/overrides", body: `{"target":"shop","do":"source","source":"192.0.2.9","reason":"x","seconds":60}`, want: 422},
		{path: "/v1/delivery/overrides", body: `{"target":"shop","do":"stop","reason":" ","seconds":60}`, want: 422}, {path: "/v1/delivery/overrides", body: `{"target":"nothing","do":"stop","reason":"x","seconds":60}`, want: 404}}},
	{"delivery override list", []sample{{path: "/v1/delivery/overrides"}, {path: "/v1/delivery/overrides?ended=true"}}},
	{"delivery override cancel", []sample{{path: "/v1/delivery/overrides/1"}, {path: "/v1/delivery/overrides/1", want: 404}}},
	{"delivery explain", []sample{{path: "/v1/delivery/explain?address=you@example.net&account=sender"}, {path: "/v1/delivery/explain?address=you@", want: 422},
		{path: "/v1/delivery/explain?address=example.net&account=nobody", want: 404}}},
	{"delivery probe", []sample{{body: `{"address":"you@example.net"}`}, {body: `{"address":"you@"}`, want: 422}}},
	{"delivery classify", []sample{{body: `{"replies":[{"mx":"mx.example.org","stage":"RCPT","reply":"550 5.1.1 User unknown"}]}`}, {body: `{"replies":[{"mx":"","stage":"odd","reply":"550 x"}]}`, want: 422}}},
	{"delivery unclassified", []sample{{}}},
	{"delivery replay", []sample{{body: `{"document":"[[rule]]\nid = \"mine\"\ncode = [\"550\"]\ncategory = \"SpamBlock\"\n"}`}, {body: `{"document":"x"}`, want: 422}}},
	{"account points", []sample{{path: "/v1/accounts/sender/points"}, {path: "/v1/accounts/nobody/points", want: 404}}},
	{"source list", []sample{{}}},
	{"source drain", []sample{{path: "/v1/sources/192.0.2.25/drain", body: `{"reason":"moved"}`}, {path: "/v1/sources/mail.example:587/drain", body: `{}`}, {path: "/v1/sources/192.0.2.1/drain", body: `{}`, want: 404}}},
	{"source list", []sample{{}}},
	{"source resume", []sample{{path: "/v1/sources/192.0.2.25/resume"}, {path: "/v1/sources/nothing/resume", want: 404}}},
	{"source check", []sample{{path: "/v1/sources/192.0.2.25/check"}, {path: "/v1/sources/nothing/check", want: 404}}},
	{"queue drop", []sample{{body: `{"ids":["MESSAGE"],"silent":true}`}}},
	{"plan add", []sample{{body: `{"plan":"big","term":"year","bandwidth":1000000000,"price":"12.00","block":["1GB=5.00"]}`}, {body: `{"plan":"big","term":"year"}`, want: 409},
		{body: `{"plan":"bad","term":"year","price":"much"}`, want: 422}}},
	{"account add", []sample{{body: `{"account":"buyer","plan":"big"}`}}},
	{"invoice list", []sample{{}, {path: "/v1/invoices?open=true&overdue=true&period=2026&limit=1"}, {path: "/v1/invoices?account=buyer"}, {path: "/v1/invoices?customer=acme", want: 404},
		{path: "/v1/invoices?reseller=none", want: 404}, {path: "/v1/invoices?period=now", want: 422}, {path: "/v1/invoices?cursor=eA", want: 422}}},
	{"invoice show", []sample{{path: "/v1/invoices/1"}, {path: "/v1/invoices/99", want: 404}, {path: "/v1/invoices/x", want: 422}}},
	{"invoice document", []sample{{path: "/v1/invoices/1/document"}, {path: "/v1/invoices/1/document?format=pdf"}, {path: "/v1/invoices/1/document?format=doc", want: 422}}},
	{"payment record", []sample{{body: `{"invoices":["1"],"method":"bank","reference":"TRN-1","amount":10}`}, {body: `{"invoices":["1"],"method":"bank","reference":"TRN-1"}`, want: 409},
		{body: `{"account":"buyer","method":"bank","reference":"TRN-2","amount":5,"dry_run":true}`}, {body: `{"method":"shells","reference":"x"}`, want: 422}}},
	{"payment list", []sample{{}, {path: "/v1/payments?account=buyer&kind=payment&limit=1"}, {path: "/v1/payments?kind=odd", want: 422}, {path: "/v1/payments?account=nobody", want: 404}}},
	{"payment reverse", []sample{{body: `{"invoice":"1","reference":"TRN-1","reason":"bounced"}`}, {body: `{"invoice":"1","reference":"TRN-9","reason":"bounced"}`, want: 409},
		{body: `{"invoice":"1","reference":"TRN-1","reason":" "}`, want: 422}}},
	{"account activate", []sample{{path: "/v1/accounts/buyer/activate", body: `{}`}}},
	{"invoice cancel", []sample{{path: "/v1/invoices/1/cancel", body: `{"reason":"twice","dry_run":true}`}, {path: "/v1/invoices/1/cancel", body: `{"reason":""}`, want: 422}}},
	{"plan list", []sample{{}, {path: "/v1/plans?retired=true&limit=1"}}},
	{"plan show", []sample{{path: "/v1/plans/big"}, {path: "/v1/plans/none", want: 404}}},
	{"plan set", []sample{{path: "/v1/plans/big", body: `{"resale":true,"at_limit":["suspend"]}`}, {path: "/v1/plans/none", body: `{"resale":true}`, want: 404}}},
	{"plan retire", []sample{{path: "/v1/plans/big/retire", body: `{}`}, {path: "/v1/plans/big/retire", body: `{"undo":true}`}}},
	{"plan import", []sample{{body: `{"document":"[[plan]]\nname = \"big\"\nterm = \"month\"\n","dry_run":true}`}, {body: `{"document":"x"}`, want: 422}}},
	{"plan export", []sample{{}}},
	{"plan simulate", []sample{{path: "/v1/plans/big/simulation"}, {path: "/v1/plans/big/simulation?top_up=none", want: 404}}},
	{"health", []sample{{}}},
	{"reload", []sample{{}}},
	{"compact", []sample{{}}},
	{"backup", []sample{{}}},
	{"backup record", []sample{{body: `{"created":"2026-11-23T03:00:00Z"}`}, {body: `{}`, want: 422}}},
	{"ban list", []sample{{}, {path: "/v1/bans?limit=1"}}},
	{"ban lift", []sample{{body: `{"who":"192.0.2.7"}`}, {body: `{"all":true}`}, {body: `{"who":"192.0.2.7"}`, want: 404}, {body: `{}`, want: 422}}},
	{"report list", []sample{{}}},
	{"report preview", []sample{{path: "/v1/reports/usage/preview"}, {path: "/v1/reports/usage/preview?account=shop&language=de"}, {path: "/v1/reports/source/preview"}, {path: "/v1/reports/order/preview?account=shop"},
		{path: "/v1/reports/tea/preview", want: 404}, {path: "/v1/reports/usage/preview?account=nobody", want: 404}, {path: "/v1/reports/usage/preview?language=fr", want: 422}}},
	{"report send", []sample{{path: "/v1/reports/usage/send", body: `{"account":"shop"}`}, {path: "/v1/reports/held/send", body: `{"account":"shop","to":"me@example.org"}`},
		{path: "/v1/reports/held/send", body: `{"account":"shop"}`, want: 409}, {path: "/v1/reports/usage/send", body: `{"account":""}`, want: 422}, {path: "/v1/reports/usage/send", body: `{"account":"nobody"}`, want: 404}}},
	{"job list", []sample{{}, {path: "/v1/jobs?limit=2"}}},
	{"job run", []sample{{path: "/v1/jobs/close/run", body: `{}`}, {path: "/v1/jobs/dun/run", body: `{"at":"2020-01-01"}`},
		{path: "/v1/jobs/warn/run", body: `{"dry_run":true}`}, {path: "/v1/jobs/prune-trace/run", body: `{}`}, {path: "/v1/jobs/usage/run", body: `{}`}, {path: "/v1/jobs/domains/run", body: `{}`}, {path: "/v1/jobs/blocklists/run", body: `{}`}, {path: "/v1/jobs/suppressions/run", body: `{}`},
		{path: "/v1/jobs/backup/run", body: `{}`, want: 404}, {path: "/v1/jobs/close/run", body: `{"at":"tomorrow"}`, want: 422}}},
}

// queued puts a message into the queue, and returns its ID.
func queued(t *testing.T, st *store.Store) string {
	t.Helper()
	_, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "sender"}, Plan: quota.Plan{Name: "p", Term: quota.Year},
		Credential: &people.Credential{Login: "sender", Account: "sender", Kind: people.Token, Hash: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	b := st.Bodies.New()
	if _, err := b.Write([]byte("Subject: x\r\n\r\nhello\r\n")); err != nil {
		t.Fatal(err)
	}
	m := &spooled.Message{Account: "sender", Sender: "a@sender.example", Recipients: []spooled.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
	refusal, err := st.Accept(store.Intake{Message: m, Body: b, Login: "sender", Client: "192.0.2.1"})
	if err != nil || refusal != nil {
		t.Fatal(refusal, err)
	}
	return b.ID().String()
}

// remarked keeps remarks about mail of today.
func remarked(t *testing.T, st *store.Store) {
	t.Helper()
	today := st.Now().In(st.Zone()).Format(time.DateOnly)
	_, err := st.Remarks.Keep([]remark.Remark{{Account: "sender", Day: today, Kind: remark.Unsigned, Domain: "shop.example", Count: 1, Policy: "reject"},
		{Account: "sender", Day: today, Kind: remark.Sent + "google", Domain: "shop.example", Count: 4000}})
	if err != nil {
		t.Fatal(err)
	}
}

// refused has mail of the account sender given up for some recipients.
func refused(t *testing.T, st *store.Store, n int) {
	t.Helper()
	b := st.Bodies.New()
	m := &spooled.Message{Account: "sender", Sender: "a@sender.example", MessageID: "<1@sender.example>"}
	for i := range n {
		m.Recipients = append(m.Recipients, spooled.Recipient{Address: fmt.Sprintf("r%d@two.example", i), Domain: "two.example"})
	}
	if no, err := st.Accept(store.Intake{Message: m, Body: b}); err != nil || no != nil {
		t.Fatal(no, err)
	}
	list, err := st.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: "two.example", Account: "sender"}, Max: 1}}, func(*spooled.Message, int) time.Time { return st.Now().Add(time.Hour) })
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	r := spool.Result{ID: m.ID, Domain: "two.example", Event: trace.Event{Kind: trace.EventAttempt}}
	for i := range n {
		r.Outcomes = append(r.Outcomes, spool.Outcome{Rcpt: i, State: spooled.Failed, Reply: "550 5.1.1 =unknown", Verdict: mailreply.Verdict{Category: "InvalidRecipient"}})
	}
	if err := st.Spool.Settle(r); err != nil {
		t.Fatal(err)
	}
}

// machine is a running relay with two bans.
type machine struct{ bans []act.Ban }

func (*machine) Health(context.Context) *act.Health {
	return &act.Health{Healthy: true, Listeners: []act.Listener{{Addr: "127.0.0.1:25", TLS: "none"}}, Bounce: []act.Listener{{Addr: "127.0.0.1:26", TLS: "starttls"}}, Probes: []act.Probe{{Name: "store"}}, Clock: &act.Clock{},
		Certificate: &act.Certificate{Names: []string{"relay.test"}, From: act.SelfSigned, Problem: "no such name"},
		Connections: &act.Connections{Limit: 1, Accounts: []act.Holder{{Account: "acme", Connections: 1}}, Waiting: []string{"acme"}}}
}

func (*machine) Reload() (*act.Reload, error) {
	return &act.Reload{Config: "relay.toml", Changes: []act.Change{{Key: "log.level", Old: "info", New: "warn"}}}, nil
}

func (h *machine) Bans() []act.Ban { return h.bans }

func (*machine) Submit(_ context.Context, _ *act.TrialMessage, done act.Steps) (id spooled.ID, err error) {
	return id, done.Tell("connect", act.StepFailed, "look at the log", "no answer")
}

func (h *machine) LiftBan(a netip.Addr) bool {
	n := len(h.bans)
	h.bans = slices.DeleteFunc(h.bans, func(b act.Ban) bool { return b.Network.Contains(a) })
	return len(h.bans) < n
}

func (h *machine) LiftLogin(name string) bool {
	n := len(h.bans)
	h.bans = slices.DeleteFunc(h.bans, func(b act.Ban) bool { return b.Login == name })
	return len(h.bans) < n
}

// service is a new one on a store of its own.
func service(t *testing.T) *act.Service {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	h := &machine{[]act.Ban{{Network: netip.MustParsePrefix("192.0.2.7/32"), Failed: 3}, {Login: "acme", Failed: 3}}}
	return &act.Service{Store: st, Log: log, Version: "1", Rules: signingRules, Names: noNames, CheckSource: checked,
		Verdicts: func() (*verdict.Rules, error) { return verdict.Default(), nil },
		Jobs:     jobs.New(st, log, func() jobs.Config { return jobs.Config{Looks: jobs.Looks{Schedule: "30 8 * * *", Near: 90}} }), Running: &act.Running{Host: h, Bans: h, Mail: sender{}, Submission: h}}
}

// checked is what was found about every source.
func checked(context.Context, string) ([]act.SourceFinding, error) {
	return []act.SourceFinding{{Check: "PTR", Status: "failed", Detail: "it has no name", Advice: "ask for one"}}, nil
}

// Each request of an act and each answer is as the OpenAPI document says.
func TestOpenAPI_contract(t *testing.T) {
	srv := service(t)
	a := New(srv)
	message, running := queued(t, srv.Store), srv.Running
	remarked(t, srv.Store)
	refused(t, srv.Store, 3)
	text, err := json.Marshal(a.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	c := readContract(t, text)
	seen := map[string]bool{}
	for _, s := range samples {
		seen[s.act] = true
		spec := Spec(s.act)
		if spec == nil {
			t.Errorf("there is no act %q", s.act)
			continue
		}
		if srv.Running = running; s.act == "trace follow" { // without an end while one runs
			srv.Running = nil
		}
		for _, one := range s.list {
			one.path, one.body = strings.ReplaceAll(one.path, "MESSAGE", message), strings.ReplaceAll(one.body, "MESSAGE", message)
			check(t, c, a, spec, one)
		}
	}
	for _, one := range Acts() {
		if name := one.About().Name; !seen[name] {
			t.Errorf("act %q has no sample here", name)
		}
	}
}

// serve answers; a stream that ends with its problem is cut off there.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
}

func check(t *testing.T, c *contract, h http.Handler, spec *act.Spec, one sample) {
	t.Helper()
	method, path, _ := strings.Cut(spec.Route, " ")
	if one.path != "" {
		path = one.path
	}
	request := func() *http.Request {
		r := httptest.NewRequest(method, path, strings.NewReader(one.body))
		if one.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		return r.WithContext(act.WithActor(r.Context(), act.Actor{Kind: act.Operator, UID: -1}))
	}
	w := httptest.NewRecorder()
	serve(h, w, request())
	want := one.want
	if want == 0 {
		want = http.StatusOK
	}
	resp := w.Result()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		t.Errorf("%s %s %s: %d %s, want %d", method, path, one.body, resp.StatusCode, body, want)
	}
	if want == http.StatusOK {
		if err := c.request(t, spec.Route, request(), one.body); err != nil {
			t.Errorf("%s %s %s: the request: %v", method, path, one.body, err)
		}
	}
	for _, doc := range documents(resp, body) {
		if err := c.answer(t, spec.Route, resp, doc); err != nil {
			t.Errorf("%s %s: the answer %s: %v", method, path, doc, err)
		}
	}
}

// documents of an answer: of a stream its rows, without the problem that it ends with.
func documents(resp *http.Response, body []byte) [][]byte {
	if resp.Header.Get("Content-Type") != "application/x-ndjson" {
		return [][]byte{body}
	}
	rows := slices.Collect(bytes.Lines(body))
	return slices.DeleteFunc(rows, func(row []byte) bool { return bytes.HasPrefix(row, []byte(`{"problem":`)) })
}

// The operator hears where the acts are described; nobody else hears what there is.
func TestService_noSuchAct(t *testing.T) {
	h := New(service(t))
	for method, path := range map[string]string{"GET": "/v1/nonsense", "PUT": "/v1/accounts", "POST": "/v1//accounts"} {
		for kind, want := range map[act.Who]string{act.Operator: "no act " + method, act.Reseller: `"detail":"not found"`} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(method, path, nil)
			serve(h, w, r.WithContext(act.WithActor(r.Context(), act.Actor{Kind: kind, Name: "webco"})))
			if text := w.Body.String(); w.Code != http.StatusNotFound || !strings.Contains(text, want) {
				t.Errorf("%s %s: %d %s, want %s", method, path, w.Code, text, want)
			}
		}
	}
}

// The document passes the rules of redocly's linter.
func TestOpenAPI_lint(t *testing.T) {
	lint, err := exec.LookPath("redocly")
	if err != nil {
		t.Skip("redocly (npm: @redocly/cli) is not installed")
	}
	text, err := json.MarshalIndent(New(service(t)).OpenAPI(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(lint, "lint", "--extends=recommended", file)
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "NO_COLOR=1")
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("Warning was generated")) {
		t.Errorf("%v\n%s", err, out)
	}
}
