package tell

import (
	"bytes"
	"flag"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relay/quota"
	"relay/report/invoice"
	"relay/report/letter/wording"
	"relay/store"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/overview"
	"relay/store/people"
	"relay/store/refusals"
	"relay/store/signing"
	"relay/store/signs"
	"relay/store/spooled"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	rome = time.FixedZone("CET", 3600)
	noon = time.Date(2027, 11, 18, 8, 30, 0, 0, rome)
)

// rossi writes in the name of a seller who has set all there is to set.
func rossi() *Writer {
	return &Writer{Now: noon, Zone: rome, Source: sampleSource, Config: Config{Host: "smtp.example.org", Seller: "Rossi Hosting S.r.l.", From: "reports@rossi.example", Contact: "help@rossi.example", Operator: "ops@rossi.example",
		RenewLink: "https://www.rossi.example/renew?account={account}&plan={plan}&until={end}", RenewText: "By bank transfer of EUR {amount}, with the text {account} {end}.",
		UpgradeLink: "https://www.rossi.example/upgrade?account={account}", ChoiceLink: "https://www.rossi.example/choice?account={account}", AccessLink: "https://www.rossi.example/logins?account={account}", Guides: "https://www.rossi.example/guides/",
		SigningZone: "smtp.example.org", Selectors: signing.Ed25519Selectors[:],
		Digest: func() (*Digest, error) { return SampleDigest(noon), nil },
		Expire: 96 * time.Hour, Invoices: invoice.Options{Zone: rome, Link: "https://pay.rossi.example/{invoice}?amount={amount}", Text: "By bank transfer to IT60 X054 2811 1010 0000 0123 456, with the text {invoice}."}}}
}

// plain is an operator who has set nothing.
func plain() *Writer {
	return &Writer{Now: noon, Zone: rome, Source: sampleSource, Config: Config{Host: "smtp.example.org", Operator: "ops@example.org", Expire: 96 * time.Hour,
		Digest: func() (*Digest, error) { return SampleDigest(noon), nil }}}
}

// edge is a mail that is out of the ordinary.
type edge struct {
	kind   news.Kind
	writer *Writer
	change func(*store.Told)
}

func edges() map[string]edge {
	reseller := func(t *store.Told) {
		t.Account.Reseller, t.Reseller = "webco", &people.Reseller{Name: "webco", Contact: "help@webco.example"}
	}
	plan := func(change func(*quota.Plan)) func(t *store.Told) {
		return func(t *store.Told) {
			r := t.Report
			change(&r.Contract.Plan)
			r.Plan = r.Contract.Plan.In(r.Period)
			t.Standing.Contract, r.Standing.Contract = r.Contract, r.Contract
			r.MayOver = t.Standing.MayOver()
			r.Use = quota.Split(r.Plan, r.Usage.Charged, nil)
		}
	}
	return map[string]edge{
		"usage-plain":     {news.Usage, plain(), func(*store.Told) {}},
		"usage-reseller":  {news.Usage, rossi(), reseller},
		"usage-unlimited": {news.Usage, rossi(), plan(func(p *quota.Plan) { p.Emails, p.Bandwidth = 0, 0 })},
		"usage-count":     {news.Usage, rossi(), plan(func(p *quota.Plan) { p.Bandwidth, p.Blocks = 0, nil })},
		"usage-nothing": {news.Usage, rossi(), func(t *store.Told) {
			r := t.Report
			*r = overview.Report{Account: r.Account, Standing: r.Standing, Contract: r.Contract, Period: r.Period, Plan: r.Plan}
		}},
		"usage-huge": {news.Usage, rossi(), func(t *store.Told) {
			plan(func(p *quota.Plan) { p.Emails, p.Bandwidth = 9_000_000_000_000, 9_000_000_000_000_000_000 })(t)
			t.Report.Usage.Charged = quota.Charge{Messages: 8_999_999_999_999, Bytes: 8_999_999_999_999_999_999}
			t.Report.Usage.Delivered = 8_999_999_999_999
		}},
		"usage-hostile": {news.Usage, rossi(), func(t *store.Told) {
			evil := "x</td><script>alert(1)</script>\r\nBcc: all@evil.example\r\n\r\n--=_\u202e\x00 | [[https://evil.example|click]]"
			t.Account.Name, t.Account.Reference, t.Report.Contract.Plan.Name = evil, evil, evil
			t.Report.Logins[0].Login = evil
			t.Report.Remarks[0].Domain = evil
			t.Reseller = &people.Reseller{Name: evil, Contact: evil}
		}},
		"month-names": {news.Month, rossi(), func(t *store.Told) {
			t.Account.Name, t.Account.Reference = strings.Repeat("a-very-long-name-", 8), "רשימת תפוצה של החנות"
			t.Report.Errors[0].Recipient = "משתמש@" + strings.Repeat("a", 60) + ".example"
		}},
		"month-reseller": {news.Month, rossi(), reseller},
		"month-quiet": {news.Month, plain(), func(t *store.Told) {
			t.Report.Errors, t.Report.ErrorCount, t.Report.Invoice, t.Report.Days = nil, 0, nil, nil
		}},
		"near-30-days": {news.Near, rossi(), func(t *store.Told) {
			plan(func(p *quota.Plan) { p.Term, p.Blocks = quota.Month, nil })(t)
			t.Standing.Goes = false
		}},
		"reached-stops":              {news.Reached, rossi(), func(t *store.Told) { stops(t) }},
		"reached-refused":            {news.Reached, plain(), func(t *store.Told) { stops(t); t.News.Reason = news.ReasonRefused }},
		"suspended-abuse":            {news.Suspended, rossi(), func(t *store.Told) { t.News.Reason, t.News.Why, t.Invoice = "abuse", "spam reports", nil }},
		"suspended-complaints":       {news.Suspended, rossi(), func(t *store.Told) { suspendedFor(t, signs.Complaint) }},
		"suspended-bounces":          {news.Suspended, plain(), func(t *store.Told) { suspendedFor(t, signs.Bounce) }},
		"suspended-told-operator":    {news.Suspended, rossi(), func(t *store.Told) { suspendedFor(t, signs.Bounce); t.Account.Contact = "" }},
		"warned-bounces":             {news.Warned, rossi(), func(t *store.Told) { warnedOf(t, signs.Bounce) }},
		"warned-listed":              {news.Warned, plain(), func(t *store.Told) { warnedOf(t, signs.Listed); t.Signs.Next = signs.Limit{} }},
		"warned-operator":            {news.Warned, rossi(), func(t *store.Told) { t.Account.Contact = "" }},
		"warned-reseller":            {news.Warned, rossi(), func(t *store.Told) { reseller(t) }},
		"complaint-answer-first":     {news.Desk, plain(), func(t *store.Told) { t.News.Reason, t.Warned = "", false }},
		"complaint-answer-suspended": {news.Desk, rossi(), func(t *store.Told) { t.Account.State = ledger.Suspended }},
		"suspended-word":             {news.Suspended, plain(), func(t *store.Told) { t.News.Reason, t.News.Why, t.Invoice = "", "it was asked for", nil }},
		"ended-closed":               {news.Ended, rossi(), func(t *store.Told) { t.News.Reason, t.News.Why = news.ReasonClosed, "it was asked for" }},
		"suspended-payer":            {news.Suspended, rossi(), func(t *store.Told) { reseller(t); t.Account.Contact = "" }},
		"refund-next":                {news.Refund, rossi(), func(t *store.Told) { t.Account.State = ledger.Active }},
		"correction-less":            {news.Correction, plain(), func(t *store.Told) { t.Account.Balance, t.Entry.Money = -2_500, -2_500 }},
		"receipt-kept":               {news.Receipt, rossi(), func(t *store.Told) { t.Invoice = nil }},
		"receipt-part": {news.Receipt, rossi(), func(t *store.Told) {
			t.Invoice.State, t.Invoice.Paid, t.Entry.Money = ledger.InvoiceOpen, 10_000, 10_000
		}},
		"ending-renewal": {news.Ending, rossi(), func(t *store.Told) { t.Ending.Renewal, t.Ending.Days = renewal(), 1 }},
		"ending-today": {news.Ending, plain(), func(t *store.Told) {
			t.Ending.Sold, t.Ending.Days, t.Ending.Credit = nil, 0, 0
			t.Account.State, t.Account.Reason = ledger.Suspended, "complaints"
		}},
		"ending-reseller": {news.Ending, rossi(), reseller},
		"held-complaints": {news.Held, plain(), func(t *store.Told) { t.News.Reason = "complaints" }},
		"held-operator":   {news.Held, rossi(), func(t *store.Told) { t.Account.Contact = "" }},
		"waits-operator":  {news.Waits, rossi(), func(t *store.Told) { t.Account.Contact = "" }},
		"order-reseller":  {news.Order, rossi(), reseller},
		"test-flaws":      {news.Test, answering(Answer{Test: flawed()}), func(*store.Told) {}},
		"test-stranger": {news.Test, answering(Answer{Test: Test{Remote: "2001:db8::1", Port: 25, TLS: "TLS 1.3, TLS_AES_128_GCM_SHA256", Sender: "a@b.example", From: "a@b.example", Received: noon, Size: 900,
			SPF: Proof{"pass", "b.example", ""}, DMARC: Proof{"none", "b.example", ""}, Mend: []Flaw{FlawSPFNone, FlawDKIMNone, FlawDMARCNone}}}), stranger},
		"test-clean":  {news.Test, answering(Answer{Test: Test{Sent: true, Login: "verdi-web", Port: 465, Received: noon}}), func(*store.Told) {}},
		"errors-none": {news.Errors, answering(Answer{}), func(*store.Told) {}},
		"errors-many": {news.Errors, answering(Answer{Errors: sampler{noon, rome}.errors(), Count: 12_000}), reseller},
		"access-one":  {news.Access, plain(), func(t *store.Told) { t.News.Access = t.News.Access[:1] }},
		"access-more": {news.Access, plain(), func(t *store.Told) { t.News.Access, t.News.Step = t.News.Access[:1], 1 }},
		"login-held-reason": {news.LoginHeld, plain(), func(t *store.Told) {
			t.News.Reason, t.News.Why, t.News.Signs = string(people.HeldByOperator), "printer sold", nil
		}},
		"login-held-owner": {news.LoginHeld, plain(), func(t *store.Told) { t.Account.Contact, t.News.Signs.First = "", false }},
	}
}

func answering(a Answer) *Writer {
	w := rossi()
	w.Answer = &a
	return w
}

// stranger has no account.
func stranger(t *store.Told) {
	t.News.Account, t.Account = "", books.Account{Contact: "a@b.example"}
}

// flawed is a test with all there is to mend.
func flawed() Test {
	evil := "x</td><script>\r\nBcc: all@evil.example | [[https://evil.example|click]]"
	return Test{Sent: true, Remote: "192.0.2.1", Port: 2525, Sender: evil, Received: noon, Size: 1, SPF: Proof{"permerror", "verdi.example", evil},
		DKIM: []Proof{{"fail", "verdi.example", "body hash did not verify"}, {"permerror", evil, evil}}, DMARC: Proof{"fail", "verdi.example", ""}, Policy: "reject",
		Mend: []Flaw{FlawClear, FlawAuthor, FlawSPFNone, FlawSPFFail, FlawSPFError, FlawDKIMNone, FlawDKIMFail, FlawDMARCNone, FlawDMARCFail, FlawDNS}}
}

func suspendedFor(t *store.Told, what signs.Sign) {
	t.News.Reason, t.News.Why, t.Invoice = news.ReasonAbuse, "too much", nil
	t.Account.State, t.Account.Hold = ledger.Suspended, ""
	t.Signs = &signs.Figures{Sign: what, Window: signs.OfDay, N: 64, Of: 580, Count: 50, Share: 100_000, Places: []signs.Place{{Name: "Google", N: 60}, {Name: "other", N: 4}}}
}

func warnedOf(t *store.Told, what signs.Sign) {
	t.Signs = &signs.Figures{Sign: what, Window: signs.OfWeek, N: 31, Of: 410, Count: 20, Share: 50_000, Next: signs.Default.BounceSuspend}
}

func renewal() *ledger.Invoice { return Sample(news.Invoice, noon, rome).Invoice }

func stops(t *store.Told) {
	t.Account.AtLimit = quota.Suspend
	t.Standing.Account = t.Account
	t.Report.Account, t.Report.MayOver = t.Account, 0
}

// Each kind and each edge says what its golden file has, in text and in HTML, and its message
// is as deep as it needs.
func TestWriter_golden(t *testing.T) {
	t.Parallel()
	var trees strings.Builder
	cases := edges()
	for _, k := range Kinds {
		cases[string(k.Name)] = edge{k.Name, rossi(), func(*store.Told) {}}
	}
	for _, name := range sorted(cases) {
		c := cases[name]
		told := Sample(c.kind, noon, rome)
		if !slices.Contains(wording.Names(), string(c.kind)) {
			continue
		}
		told.Account.Notify = news.ChosenTopics()
		c.change(told)
		c.writer.Wrong = func(err error) { t.Errorf("%s: %v", name, err) }
		mails, err := c.writer.Write(told, spooled.ID{})
		if err != nil || len(mails) == 0 {
			t.Errorf("%s: %d mails, %v", name, len(mails), err)
			continue
		}
		for i, m := range mails {
			head, tree := read(t, m.Body)
			if i == 0 {
				golden(t, name+".en.txt", "Subject: "+subject(t, head)+"\n\n"+tree.Find("text/plain"))
				golden(t, name+".en.html", tree.Find("text/html"))
			}
			fmt.Fprintf(&trees, "%s to %s\n    from %s, answers to %s\n    list %s, %s\n    %s\n", name, head.Get("To"), head.Get("From"), head.Get("Reply-To"), head.Get("List-Id"), head.Get("Auto-Submitted"), tree)
		}
	}
	golden(t, "trees.txt", trees.String())
}

func subject(t *testing.T, h mail.Header) string {
	t.Helper()
	s, err := decoder.DecodeHeader(h.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got = strings.ReplaceAll(got, "\r\n", "\n")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", path, diff)
	}
}

// Of a template of the operator's that fails, and one that names what is not there, relay's
// own is used, and the operator hears of it. Mail is never left out.
// All templates of relay's own are good, though each is read only when it is needed.
func TestRelays(t *testing.T) {
	if _, err := wording.Load("", View{}); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"parts", "none", ""} {
		if p, err := relays.Page("en", name, View{}); p != nil || err == nil {
			t.Errorf("%q is a kind of mail", name)
		}
	}
	if own := relays.Own("de"); own != nil {
		t.Errorf("the operator's are %v", own)
	}
}

func TestWriter_Write_ownTemplate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, "en", name+".txt")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("resumed", "subject: Back: {{.Account.Name}}\ntitle: Back\n\nOur own words.\n")
	write("usage", "subject: x\n\n{{.Nothing}}\n")
	write("near", "subject: x\n\n{{index .Errors 99}}\n")
	set, err := wording.Load(dir, View{})
	if err == nil || !strings.Contains(err.Error(), "usage.txt:3:2: there is no Nothing") {
		t.Errorf("%v", err)
	}
	w := rossi()
	w.Templates = set
	var wrong []string
	w.Wrong = func(err error) { wrong = append(wrong, err.Error()) }
	for kind, want := range map[news.Kind]string{news.Resumed: "Our own words.", news.Usage: "plan bronze allows", news.Near: "What you can do"} {
		mails, err := w.Write(Sample(kind, noon, rome), spooled.ID{})
		if err != nil || len(mails) != 1 {
			t.Fatalf("%s: %d mails, %v", kind, len(mails), err)
		}
		if _, tree := read(t, mails[0].Body); !strings.Contains(tree.Find("text/plain"), want) {
			t.Errorf("%s: %s", kind, tree.Find("text/plain"))
		}
	}
	if len(wrong) != 1 || !strings.Contains(wrong[0], "near.txt:3") {
		t.Errorf("the operator heard %q", wrong)
	}
}

// Below a reseller nothing is said of prices but to the reseller, whose customer reads its name.
func TestWriter_Write_reseller(t *testing.T) {
	for _, k := range Kinds {
		if k.To[0] == Operator || k.To[0] == Desk { // a desk hears the operator
			continue
		}
		told := Sample(k.Name, noon, rome)
		told.Account.BillingContact, told.Account.AbuseContact, told.Account.Notify = "pay@verdi.example", "abuse@verdi.example", []news.Topic{news.TopicDaily, news.TopicUsage, news.TopicMonth, news.TopicDomain, news.TopicDelivery, news.TopicAccess, news.TopicAccessDaily}
		told.Account.Reseller, told.Reseller = "webco", &people.Reseller{Name: "webco", Contact: "boss@webco.example"}
		mails, err := rossi().Write(told, spooled.ID{})
		if err != nil || len(mails) == 0 {
			t.Fatalf("%s: %d mails, %v", k.Name, len(mails), err)
		}
		for _, m := range mails {
			to := m.Message.Recipients[0].Address
			ours := to == "ops@rossi.example"
			if payer := to == "boss@webco.example"; payer || k.OfMoney() || ours {
				if payer != (k.OfMoney() || k.Name == news.Suspended || k.Name == news.Warned) && !ours {
					t.Errorf("%s went to %s", k.Name, to)
				}
				continue
			}
			_, tree := read(t, m.Body)
			for _, bad := range []string{"EUR", "Rossi", "rossi.example", "application/pdf"} {
				if strings.Contains(tree.Find("text/plain")+tree.Find("text/html")+tree.String(), bad) || bytes.Contains(m.Body, []byte("Reply-To: <help@rossi")) {
					t.Errorf("%s to %s has %q:\n%s", k.Name, to, bad, tree.Find("text/plain"))
				}
			}
		}
	}
}

// The reseller pays the invoice for which an account below it is suspended: it reads of it what
// a customer of the operator's own would. Of a suspension by its own hand it is told nothing.
func TestWriter_Write_payer(t *testing.T) {
	told := Sample(news.Suspended, noon, rome)
	told.Account.Reseller, told.Reseller = "webco", &people.Reseller{Name: "webco", Contact: "boss@webco.example"}
	mails, err := rossi().Write(told, spooled.ID{})
	if err != nil || len(mails) != 2 {
		t.Fatalf("%d mails, %v", len(mails), err)
	}
	for i, want := range []struct {
		to  string
		pay bool
	}{{"web@verdi.example", false}, {"boss@webco.example", true}} {
		_, tree := read(t, mails[i].Body)
		if to, text := mails[i].Message.Recipients[0].Address, tree.Find("text/plain"); to != want.to || strings.Contains(text, "To pay: invoice R-17") != want.pay {
			t.Errorf("to %s:\n%s", to, text)
		}
	}
	byHand, err := rossi().WriteTo("boss@webco.example", told, spooled.ID{})
	if _, tree := read(t, byHand.Body); err != nil || !strings.Contains(tree.Find("text/plain"), "To pay: invoice R-17") {
		t.Errorf("sent by hand: %v, %s", err, tree.Find("text/plain"))
	}
	told.News.Reason = ""
	if mails, err := rossi().Write(told, spooled.ID{}); err != nil || len(mails) != 1 {
		t.Errorf("suspended by hand: %d mails, %v", len(mails), err)
	}
}

// Which mails an account gets is its choice, but for what it must know.
func TestWriter_Write_choice(t *testing.T) {
	for _, k := range Kinds {
		if k.To[0] == Operator {
			continue
		}
		told := Sample(k.Name, noon, rome)
		told.Account.Notify = []news.Topic{}
		if k.Name == news.Month {
			told.Report.Invoice = nil // which must be told
		}
		mails, err := rossi().Write(told, spooled.ID{})
		toUs := slices.Contains(k.To, Operator) // who hears of it all the same
		if err != nil || (len(mails) > 0) != (k.Must() || toUs) || toUs && mails[len(mails)-1].Message.Recipients[0].Address != "ops@rossi.example" {
			t.Errorf("%s: %d mails, must %v, %v", k.Name, len(mails), k.Must(), err)
		}
	}
}

func TestErrorsCSV(t *testing.T) {
	list := []refusals.Entry{{Recipient: "=cmd|' /C calc'!A1@example.com", Category: "InvalidRecipient", Advice: "remove", Reply: "-1\r\n+x", First: noon, Last: noon, Count: 2}}
	got := string(rossi().errorsCSV(list, "en"))
	want := "recipient,advice,category,reason,code,reply,first,last,count,source,message_id\r\n'=cmd|' /C calc'!A1@example.com,remove,InvalidRecipient,the address does not exist,,'-1 +x,2027-11-18 08:30:00,2027-11-18 08:30:00,2,,\r\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// What the operator reads of sources.
func TestWriter_WriteSource(t *testing.T) {
	listed := Source{Name: "192.0.2.25", Drained: true, Culprit: "verdi-web",
		Lists: []List{{"Barracuda", "client host [192.0.2.25] blocked using Barracuda Reputation", "https://www.barracudacentral.org/lookups"}, {List: "Ours"}}}
	minor := Source{Name: "192.0.2.25", Lists: []List{{List: "PSBL"}}}
	hostile := listed
	hostile.Culprit, hostile.Lists = "", []List{{"L</td><script>", "x\r\nBcc: all@evil.example <b>", ""}}
	for name, s := range map[string]Source{"listed": listed, "listed-minor": minor, "listed-hostile": hostile, "clean": {Name: "192.0.2.25"}, "gone": {Name: "2001:db8::25", Gone: "cannot assign requested address"}} {
		n, err := plain().WriteSource(s, spooled.ID{})
		if err != nil {
			t.Fatal(err)
		}
		head, tree := read(t, n.Body)
		golden(t, name+".en.txt", "Subject: "+subject(t, head)+"\n\n"+tree.Find("text/plain"))
		if html := tree.Find("text/html"); strings.Contains(html, "<script") || strings.Contains(html, "<b>") {
			t.Errorf("%s: markup of others:\n%s", name, html)
		}
	}
	w := plain()
	w.Operator = ""
	if n, err := w.WriteSource(listed, spooled.ID{}); n != nil || err != nil {
		t.Errorf("without an operator: %v, %v", n, err)
	}
}

// A payment request is told also to those who want no report.
func TestWriter_Write_monthUnwanted(t *testing.T) {
	for _, c := range []struct {
		notify  []news.Topic
		billing string
		want    string
	}{
		{nil, "", "web@verdi.example report of account"},
		{nil, "pay@verdi.example", "web@verdi.example report of account, pay@verdi.example invoice R-17 for account"},
		{[]news.Topic{}, "", "web@verdi.example invoice R-17 for account"},
		{[]news.Topic{}, "pay@verdi.example", "pay@verdi.example invoice R-17 for account"},
	} {
		told := Sample(news.Month, noon, rome)
		told.Account.Notify, told.Account.BillingContact = c.notify, c.billing
		mails, err := rossi().Write(told, spooled.ID{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range mails {
			head, _ := read(t, m.Body)
			_, says, _ := strings.Cut(subject(t, head), ": ")
			says, _, _ = strings.Cut(says, " verdi-web")
			got = append(got, m.Message.Recipients[0].Address+" "+says)
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%v %q: %s, want %s", c.notify, c.billing, got, c.want)
		}
	}
}
