package delivery

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"relay/mailer/verdict"
	"relay/quota"
	"relay/report/api/act"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/mailreply"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// told is a service whose store has settled a recipient's outcome for each reply.
func told(t *testing.T, replies ...Reply) *act.Service {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	_, err = st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "sender"}, Plan: quota.Plan{Name: "p", Term: quota.Year},
		Credential: &people.Credential{Login: "sender", Account: "sender", Kind: people.Token, Hash: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range replies {
		settled(t, st, &said)
	}
	return &act.Service{Store: st, Verdicts: func() (*verdict.Rules, error) { return verdict.Default(), nil }}
}

// settled sends a message and settles that its recipient was told so.
func settled(t *testing.T, st *store.Store, said *Reply) {
	t.Helper()
	b := st.Bodies.New()
	if _, err := b.Write([]byte("Subject: x\r\n\r\nhello\r\n")); err != nil {
		t.Fatal(err)
	}
	m := &spooled.Message{Account: "sender", Sender: "a@sender.example", Expires: time.Now().Add(time.Hour),
		Recipients: []spooled.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
	if refusal, err := st.Accept(store.Intake{Message: m, Body: b, Login: "sender", Client: "192.0.2.1"}); err != nil || refusal != nil {
		t.Fatal(refusal, err)
	}
	stage, _ := verdict.ParseStage(said.Stage)
	r := verdict.Parse(said.MX, stage, said.Reply)
	v := verdict.Default().Judge(r)
	o := spool.Outcome{State: spooled.Failed, Reply: said.Reply, Sample: mailreply.Sample{MX: verdict.Normalise(said.MX), Class: string(v.Class)},
		Verdict: mailreply.Verdict{Category: string(v.Category), Blame: string(v.Blame), Rule: v.Rule, Stage: said.Stage}}
	o.Sample.Reply, o.Sample.Kind = r.Masked()
	if err := st.Spool.Settle(spool.Result{ID: m.ID, Domain: "one.example", Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{o}}); err != nil {
		t.Fatal(err)
	}
}

func TestUnclassified(t *testing.T) {
	s := told(t,
		Reply{"mx1.one.example", "RCPT", "550 odd 17 <x@one.example>"},
		Reply{"mx2.one.example", "RCPT", "550 odd 18 <y@one.example>"},
		Reply{"mx.two.example", "end", "550 odd 19 <z@two.example>"},
		Reply{"mx.two.example", "end", "550 other"},
		Reply{"mx.two.example", "RCPT", "550 5.1.1 User unknown"})
	list, err := unclassified(context.Background(), s, &act.None{})
	if err != nil || len(*list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	first := (*list)[0]
	if first.Reply != "550 odd * <*>" || first.Count != 3 || first.Hosts != 2 || len(first.MX) != 2 || len(first.Stages) != 2 || first.Last.Before(first.First) {
		t.Errorf("%+v", first)
	}
	if (*list)[1].Reply != "550 other" {
		t.Errorf("%+v", (*list)[1])
	}
}

func TestTryRules(t *testing.T) {
	s := told(t, Reply{"mx1.one.example", "RCPT", "550 odd 17 <x@one.example>"}, Reply{"mx.two.example", "RCPT", "550 5.1.1 User unknown"})
	in := &RulesFile{}
	in.Body.Document = "[[rule]]\nid = \"mine\"\nmx = [\"one.example\"]\ntext = [\"odd\"]\ncategory = \"RateLimited\"\n"
	out, err := tryRules(context.Background(), s, in)
	if err != nil || out.Tried != 2 || len(out.Changed) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	c := out.Changed[0]
	if c.MX != "*.one.example" || c.Before.Class != "failed" || c.Before.Rule != "code-recipient" || c.After.Class != "deferred" || c.After.Rule != "mine" || c.Count != 1 {
		t.Errorf("%+v", c)
	}
	in.Body.Document = "[[rule]]\nid = \"mine\"\ncategory = \"Odd\"\n"
	if _, err := tryRules(context.Background(), s, in); err == nil {
		t.Error("a file that cannot be is tried")
	}
}
