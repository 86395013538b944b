package asked

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"relay/quota"
	"relay/report/answers"
	"relay/report/letter/mimetree"
	"relay/report/tell"
	"relay/smtp/authres"
	"relay/smtp/backmail"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/mailreply"
	"relay/store/orders"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// zone has TXT records by name; DOWN does not answer.
type zone map[string]string

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	switch text := z[strings.TrimSuffix(name, ".")]; text {
	case "":
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case "DOWN":
		return nil, &net.DNSError{Err: "no answer", Name: name, IsTemporary: true}
	default:
		return []string{text}, nil
	}
}

func (zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return []*net.MX{{Host: "mx." + name}}, nil
}

func (zone) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return []net.IPAddr{{IP: net.IPv4(192, 0, 2, 9)}}, nil
}

func (zone) LookupAddr(context.Context, string) ([]string, error) { return nil, nil }

var (
	noon  = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	key   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	names = backmail.Names{Domain: "relay.example", Host: "relay.example"}
)

// world is a desk on a store with accounts acme and shop of one contact, and blank without one.
type world struct {
	t    *testing.T
	st   *store.Store
	at   time.Time
	desk *Desk
	zone zone
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, at: noon, zone: zone{
		"acme.example": "v=spf1 ip4:192.0.2.1 -all", "s1._domainkey.acme.example": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
		"_dmarc.acme.example": "v=DMARC1; p=reject"}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	var err error
	if w.st, err = store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: func() time.Time { return w.at }, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.st.Close() })
	for name, contact := range map[string]string{"acme": "Boss@acme.example", "shop": "boss@acme.example", "blank": ""} {
		if _, err := w.st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name, Contact: contact, Language: map[string]string{"shop": "de"}[name]}, Plan: quota.Plan{Name: "p", Term: quota.Year}}); err != nil {
			t.Fatal(err)
		}
	}
	writer := func() *tell.Writer {
		return &tell.Writer{Config: tell.Config{Host: "relay.example", Expire: time.Hour, Wrong: func(err error) { t.Error(err) }}, Now: w.at, Zone: time.UTC}
	}
	w.desk = &Desk{Store: w.st, Answers: answers.New(w.st, writer, log), Host: "relay.example", Addresses: names,
		Leaves: func(context.Context) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
		Names:  func() (authres.Names, error) { return w.zone, nil }}
	return w
}

// letter is a mail of the contact.
const letter = "From: Boss <boss@acme.example>\r\nTo: <%s@relay.example>\r\nSubject: %s\r\nMessage-ID: <q1@acme.example>\r\n\r\nHello\r\n"

func signed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := dkim.Sign(&out, strings.NewReader(text), &dkim.SignOptions{Domain: "acme.example", Selector: "s1", Signer: key, HeaderKeys: []string{"From", "To", "Subject"}}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// ask hands a mail in and returns who is answered, and the answers.
func (w *world) ask(in backmail.Incoming, text string) (to []string, bodies []string, err error) {
	w.t.Helper()
	b := w.st.Bodies.New()
	defer b.Discard()
	if _, err := b.Write([]byte("Received: from x\r\n\tby relay.example; now\r\n" + text)); err != nil {
		w.t.Fatal(err)
	}
	in.Body, in.Size, in.Received = b, int64(len(text)), w.at
	before := w.queue()
	if err := w.desk.Answer(w.t.Context(), &in); err != nil {
		return nil, nil, err
	}
	for id, m := range w.queue() {
		if before[id] == nil {
			body, err := io.ReadAll(w.st.Bodies.Open(id))
			if err != nil {
				w.t.Fatal(err)
			}
			to, bodies = append(to, m.Recipients[0].Address), append(bodies, string(body))
			if m.Sender != "" || m.Account != "" {
				w.t.Errorf("%+v", m)
			}
		}
	}
	slices.Sort(to)
	return to, bodies, nil
}

func (w *world) queue() map[spooled.ID]*spooled.Message {
	list := map[spooled.ID]*spooled.Message{}
	err := w.st.Spool.Queue(spooled.ID{}, func(m *spooled.Message) error { one := *m; list[m.ID] = &one; return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func outside(address, sender string) backmail.Incoming {
	return backmail.Incoming{Remote: netip.MustParseAddrPort("192.0.2.1:4000"), Port: 25, TLS: "TLS 1.3, X", Helo: "mail.acme.example", Sender: sender, Recipient: address + "@relay.example"}
}

func customer(address, account, sender string) backmail.Incoming {
	return backmail.Incoming{Remote: netip.MustParseAddrPort("198.51.100.7:0"), Port: 587, TLS: "TLS 1.3, X", Sender: sender, Recipient: address + "@relay.example", Login: account + "-1", Account: account}
}

func TestDesk_Answer(t *testing.T) {
	test, list := fmt.Sprintf(letter, "test", "Hi"), fmt.Sprintf(letter, "errors", "Hi")
	far := outside("test", "boss@acme.example")
	far.Remote = netip.MustParseAddrPort("203.0.113.5:4000")
	farList := far
	farList.Recipient = "errors@relay.example"
	stranger := strings.Replace(test, "boss@acme.example", "eve@other.example", 1)
	for name, c := range map[string]struct {
		in   backmail.Incoming
		text string
		want []string
	}{
		"a test, SPF":                      {outside("test", "x@acme.example"), test, []string{"boss@acme.example"}},
		"a test, a signature":              {far, signed(t, test), []string{"boss@acme.example"}},
		"a test, nothing proven":           {far, test, nil},
		"a test, only the envelope":        {outside("test", "x@acme.example"), stranger, []string{"x@acme.example"}},
		"a test, the null sender":          {outside("test", ""), signed(t, test), nil},
		"a signed mail to others":          {far, signed(t, strings.Replace(test, "test@relay", "all@list", 1)), nil},
		"one with a To put in front":       {far, "To: test@relay.example\r\n" + signed(t, strings.Replace(test, "test@relay", "all@list", 1)), nil},
		"an absence":                       {outside("test", "x@acme.example"), "Auto-Submitted: auto-replied\r\n" + test, nil},
		"a list":                           {outside("test", "x@acme.example"), "List-Id: <a.b>\r\n" + test, nil},
		"a bounce":                         {outside("test", "x@acme.example"), "Return-Path: <>\r\n" + test, nil},
		"a customer's test":                {customer("test", "acme", "x@other.example"), stranger, []string{"Boss@acme.example"}},
		"a customer's newsletter":          {customer("test", "acme", "x@acme.example"), "List-Id: <a.b>\r\nPrecedence: bulk\r\n" + test, []string{"Boss@acme.example"}},
		"without a contact":                {customer("test", "blank", "boss@acme.example"), test, nil},
		"without one, signed":              {customer("test", "blank", "boss@acme.example"), signed(t, test), []string{"boss@acme.example"}},
		"the list, DMARC":                  {farList, signed(t, list), []string{"Boss@acme.example", "boss@acme.example"}},
		"the list of one":                  {farList, signed(t, fmt.Sprintf(letter, "errors", " SHOP ")), []string{"boss@acme.example"}},
		"the list, not proven":             {farList, list, nil},
		"the list, only the envelope":      {outside("errors", "x@acme.example"), strings.Replace(list, "boss@acme.example", "eve@other.example", 1), nil},
		"the list, no contact":             {outside("errors", "x@acme.example"), strings.Replace(list, "boss@", "other@", 1), nil},
		"a customer's list":                {customer("errors", "shop", "x@other.example"), strings.Replace(list, "boss@acme.example", "eve@other.example", 1), []string{"boss@acme.example"}},
		"the list of one without":          {customer("errors", "blank", "boss@acme.example"), signed(t, list), nil},
		"a test that cannot be understood": {outside("test", "x@acme.example"), "\x00\xff\r\n", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			to, bodies, err := w.ask(c.in, c.text)
			if err != nil || !slices.Equal(to, c.want) && len(to)+len(c.want) > 0 {
				t.Errorf("to %q, %v; want %q", to, err, c.want)
			}
			for _, b := range bodies {
				if !strings.Contains(b, "\r\nAuto-Submitted: auto-replied\r\n") || !strings.Contains(b, "\r\nIn-Reply-To: <q1@acme.example>\r\n") {
					t.Error(b)
				}
			}
		})
	}
}

// What an answer says of how the mail came in.
func TestDesk_test(t *testing.T) {
	w := open(t)
	w.zone["_dmarc.acme.example"], w.zone["acme.example"] = "", "v=spf1 ip4:203.0.113.9 -all"
	_, bodies, err := w.ask(customer("test", "acme", "boss@acme.example"), fmt.Sprintf(letter, "test", "Hi"))
	if err != nil || len(bodies) != 1 {
		t.Fatal(bodies, err)
	}
	for _, want := range []string{"Port             587", "Login            acme-1", "TLS              TLS 1.3, X", "From address     198.51.100.7", "SPF    fail", "DKIM   none", "DMARC  none",
		"does not name the server", "has no DMARC record", "Nothing proves that the mail is from acme.example"} {
		if !strings.Contains(bodies[0], want) {
			t.Errorf("no %q in\n%s", want, bodies[0])
		}
	}
}

// A silent DNS has the sender come again; a customer is told.
func TestDesk_silent(t *testing.T) {
	w := open(t)
	w.zone["acme.example"], w.zone["_dmarc.acme.example"] = "DOWN", "DOWN"
	if to, _, err := w.ask(outside("errors", "x@acme.example"), fmt.Sprintf(letter, "errors", "")); err != errSilent {
		t.Errorf("to %q, %v", to, err)
	}
	if to, bodies, err := w.ask(customer("test", "acme", "x@acme.example"), fmt.Sprintf(letter, "test", "")); err != nil || len(to) != 1 || !strings.Contains(bodies[0], "The DNS did not answer in time") {
		t.Errorf("to %q, %v", to, err)
	}
}

// Ten answers a day go to an address, whatever it asks.
func TestDesk_limit(t *testing.T) {
	w := open(t)
	in := customer("test", "acme", "x@acme.example")
	for i := range 12 {
		to, _, err := w.ask(in, fmt.Sprintf(letter, "test", ""))
		if err != nil || (len(to) == 1) != (i < 10) {
			t.Errorf("answer %d to %q, %v", i, to, err)
		}
	}
	if to, _, err := w.ask(outside("errors", "boss@acme.example"), fmt.Sprintf(letter, "errors", "acme")); err != nil || len(to) != 0 {
		t.Errorf("to %q, %v", to, err)
	}
	w.at = w.at.AddDate(0, 0, 1)
	if to, _, err := w.ask(in, fmt.Sprintf(letter, "test", "")); err != nil || len(to) != 1 {
		t.Errorf("the next day: to %q, %v", to, err)
	}
}

// The list is attached as CSV and as bare addresses of those to be removed.
func TestDesk_list(t *testing.T) {
	w := open(t)
	b := w.st.Bodies.New()
	_, _ = b.Write([]byte("Subject: x\r\n\r\n"))
	m := &spooled.Message{Account: "shop", Sender: "a@shop.example", Size: 14, Expires: w.at.Add(time.Hour), Recipients: []spooled.Recipient{
		{Address: "gone@example.net", Domain: "example.net"}, {Address: "full@example.net", Domain: "example.net"}}}
	if no, err := w.st.Accept(store.Intake{Message: m, Body: b}); no != nil || err != nil {
		t.Fatal(no, err)
	}
	list, err := w.st.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: "example.net", Account: "shop"}, Max: 1}}, func(*spooled.Message, int) time.Time { return w.at.Add(time.Hour) })
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if err := w.st.Spool.Settle(spool.Result{ID: m.ID, Domain: "example.net", Event: trace.Event{Kind: trace.EventAttempt}, Outcomes: []spool.Outcome{
		{Rcpt: 0, State: spooled.Failed, Reply: "550 5.1.1 nobody of that name", Verdict: mailreply.Verdict{Category: "InvalidRecipient", Blame: "recipient"}},
		{Rcpt: 1, State: spooled.Failed, Reply: "452 4.2.2 full", Verdict: mailreply.Verdict{Category: "QuotaIssues", Blame: "recipient"}}}}); err != nil {
		t.Fatal(err)
	}
	to, bodies, err := w.ask(customer("errors", "shop", "a@shop.example"), fmt.Sprintf(letter, "errors", ""))
	if err != nil || len(to) != 1 {
		t.Fatal(to, err)
	}
	_, tree, err := mimetree.Read([]byte(bodies[0]))
	if err != nil {
		t.Fatal(err)
	}
	if s := tree.String(); s != "mixed[alternative[text/plain, text/html], text/csv errors.csv, text/plain addresses.txt]" {
		t.Error(s)
	}
	if !strings.Contains(tree.Find("text/plain"), "Mail an 2 Empfänger") {
		t.Error(tree.Find("text/plain"))
	}
	for _, want := range []string{base64.StdEncoding.EncodeToString([]byte("gone@example.net\r\n")), base64.StdEncoding.EncodeToString([]byte("recipient,advice,categor"))} {
		if !strings.Contains(bodies[0], want) {
			t.Errorf("no %q in\n%s", want, bodies[0])
		}
	}
}
