package asked

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"relay/report/tell"
	"relay/smtp/backmail"
	"relay/smtp/returned"
	"relay/store/behalf"
	"relay/store/news"
	"relay/store/refusals"
	"relay/store/returns"
)

// complaint is what a desk writes.
const complaint = "From: Desk <abuse@acme.example>\r\nTo: <abuse@relay.example>\r\nSubject: spam\r\nMessage-ID: <c1@acme.example>\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b--\r\n"

// complain has a desk write from an address of a client, and returns who is told what.
func (w *world) complain(from, client, account string) (told []string) {
	w.t.Helper()
	b := w.st.Bodies.New()
	defer b.Discard()
	if _, err := b.Write([]byte(strings.Replace(complaint, "abuse@acme.example", from, 1))); err != nil {
		w.t.Fatal(err)
	}
	in := &backmail.Incoming{Remote: netip.AddrPortFrom(netip.MustParseAddr(client), 25), Helo: "mx.acme.example", Sender: from, Received: w.at, Body: b}
	err := w.desk.Complaint(in, &backmail.Case{Desk: from, Account: account, Recipient: "you@dst.test", Report: &returned.Mail{OwnMessageID: "<c1@acme.example>"}})
	if err != nil {
		w.t.Fatal(err)
	}
	list, _, err := w.st.News.Due(1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range list {
		is, err := w.st.Telling(&list[i])
		if err != nil || is == nil {
			w.t.Fatalf("telling: %v", err)
		}
		mails, err := (&tell.Writer{Config: tell.Config{Host: "relay.example", Expire: time.Hour}, Now: w.at, Zone: time.UTC}).Write(is, is.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range mails {
			told = append(told, m.Message.Recipients[0].Address)
			if text := string(m.Body); strings.Contains(text, account) || !strings.Contains(text, "In-Reply-To: <c1@acme.example>") || !strings.Contains(text, "Auto-Submitted: auto-replied") {
				w.t.Errorf("the answer:\n%s", text)
			}
		}
		if err := w.st.Tell(&list[i], mails); err != nil {
			w.t.Fatal(err)
		}
	}
	return told
}

// A desk that SPF proves is answered, once a day for each account and without a word of the
// customer. A forger has nobody answered, and nobody gets mail in any number.
func TestDesk_Complaint(t *testing.T) {
	w := open(t)
	for _, c := range []struct{ name, from, client, account, want string }{
		{"a proven desk", "Abuse@acme.example", "192.0.2.1", "shop", "[abuse@acme.example]"},
		{"again", "abuse@acme.example", "192.0.2.1", "shop", "[]"},
		{"of another account", "abuse@acme.example", "192.0.2.1", "blank", "[abuse@acme.example]"},
		{"a forged one", "abuse@acme.example", "192.0.2.66", "acme", "[]"},
		{"a domain without SPF", "abuse@none.example", "192.0.2.1", "acme", "[]"},
		{"nobody reads it", "no-reply@acme.example", "192.0.2.1", "acme", "[]"},
		{"an account that is gone", "abuse@acme.example", "192.0.2.1", "nobody", "[]"},
	} {
		if is := fmt.Sprint(w.complain(c.from, c.client, c.account)); is != c.want {
			t.Errorf("%s: %s, want %s", c.name, is, c.want)
		}
	}
	w.at = w.at.Add(24 * time.Hour)
	if is := w.complain("abuse@acme.example", "192.0.2.1", "shop"); len(is) != 1 {
		t.Errorf("the next day: %v", is)
	}
	all := 0
	for i := range 300 {
		all += len(w.complain(fmt.Sprintf("d%d@acme.example", i), "192.0.2.1", "shop"))
	}
	if all != 199 {
		t.Errorf("%d answers in a day", all)
	}
}

// The answer says of the recipient and of the account what is so.
func TestDesk_Complaint_done(t *testing.T) {
	w := open(t)
	if _, err := w.st.Refusals.AddSuppressions(behalf.Order{}, "shop", []refusals.Suppression{{Recipient: "you@dst.test", Reason: "Complaint"}}); err != nil {
		t.Fatal(err)
	}
	yes, err := w.st.Returns.AnswerDesk(&returns.DeskCase{Desk: "abuse@acme.example", Account: "shop", Recipient: "You@dst.test"})
	list, _, e := w.st.News.Due(10)
	if err != nil || e != nil || !yes || len(list) != 1 || list[0].Reason != news.ReasonSuppressed {
		t.Errorf("%v, %v, %+v", yes, err, list)
	}
}
