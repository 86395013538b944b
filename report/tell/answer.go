package tell

import (
	"cmp"
	"strings"
	"time"

	"relay/report/letter"
	"relay/store"
	"relay/store/news"
	"relay/store/refusals"
)

// Answer is what a mail says that answers one to test@ or errors@.
type Answer struct {
	InReplyTo string // Message-ID of that mail; "": it had none
	Test      Test
	Errors    []refusals.Entry // newest first
	Count     int64            // of the whole list
}

// Test is how a mail to the address for tests came in.
type Test struct {
	Sent     bool   // a customer handed it over: SPF and DKIM are what receivers will see
	Login    string // "": nobody logged in
	Remote   string // address of the client
	Port     int64
	TLS      string // version and cipher; "": in clear
	Sender   string // reverse-path
	From     string // address of the author; "": none can be read
	Received time.Time
	Size     int64 // octets

	SPF    Proof
	DKIM   []Proof
	DMARC  Proof
	Policy string // none, quarantine or reject; "": there is no record
	Mend   []Flaw // none: all is well
}

// Proof is what one method says, in the words of RFC 8601: pass, fail, none …
type Proof struct {
	Verdict string
	Domain  string // "": there is none
	Reason  string // why it does not pass; "": the verdict says it
}

// Flaw is something to mend, for which the template has words.
type Flaw string

// The flaws.
const (
	FlawClear     Flaw = "clear"      // it came in without TLS
	FlawAuthor    Flaw = "author"     // From has no address, or several
	FlawSPFNone   Flaw = "spf-none"   // the sender's domain has no record
	FlawSPFFail   Flaw = "spf-fail"   // it does not let the address send
	FlawSPFError  Flaw = "spf-error"  // it is wrong
	FlawDKIMNone  Flaw = "dkim-none"  // nothing signs for the author's domain
	FlawDKIMFail  Flaw = "dkim-fail"  // a signature does not hold
	FlawDMARCNone Flaw = "dmarc-none" // the author's domain has no record
	FlawDMARCFail Flaw = "dmarc-fail" // nothing proves it
	FlawDNS       Flaw = "dns"        // the DNS did not answer
)

// Answers reports whether a kind answers a mail.
func (k *Kind) Answers() bool { return k.Topic == news.TopicAnswer }

// answer fills in what answers say. An invented one is shown where there is none.
func (w *Writer) answer(v *View, r reader, t *store.Told) {
	a := w.answerOr(t)
	switch r.kind.Name {
	case news.Test:
		v.Test = a.Test
		v.Test.Received = w.in(v.Test.Received)
	case news.Errors:
		v.ErrorCount, v.ErrorsAttached = a.Count, int64(len(a.Errors))
		for _, e := range a.Errors[:min(len(a.Errors), shownErrors)] {
			v.Errors = append(v.Errors, Error{e.Recipient, e.Category, e.Count, w.in(e.Last), e.Advice})
		}
	}
}

func (w *Writer) answerOr(t *store.Told) *Answer {
	if w.Answer != nil {
		return w.Answer
	}
	s := sampler{w.Now, w.Zone}
	return &Answer{InReplyTo: "<1@verdi.example>", Errors: s.errors(), Count: 3, Test: Test{
		Sent: true, Login: cmp.Or(t.Account.Name, "verdi-web"), Remote: "192.0.2.17", Port: 587, TLS: "TLS 1.3, TLS_AES_128_GCM_SHA256",
		Sender: "web@verdi.example", From: "web@verdi.example", Received: w.Now, Size: 2_480,
		SPF: Proof{"fail", "verdi.example", ""}, DKIM: []Proof{{"pass", "verdi.example", ""}}, DMARC: Proof{"pass", "verdi.example", ""}, Policy: "none",
		Mend: []Flaw{FlawSPFFail}}}
}

// addresses are those of a list of errors, one a line, of the recipients that are to be removed.
func addresses(list []refusals.Entry) []byte {
	var b strings.Builder
	for _, e := range list {
		if e.Advice == refusals.AdviceRemove {
			b.WriteString(e.Recipient + "\r\n")
		}
	}
	return []byte(b.String())
}

// reply marks a letter as an answer: it has no List-Id, and no program answers it again.
func (w *Writer) reply(l *letter.Letter, t *store.Told) {
	l.Topic, l.Choice, l.Answers, l.InReplyTo = "", "", true, w.answerOr(t).InReplyTo
	if t.News.Kind == news.Desk {
		l.InReplyTo = t.News.Why
	}
}
