package verdict

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"relay/mailer/client"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"550 5.1.1 User unknown", "550 [5 1 1] User unknown"},
		{"550-5.1.1 one 550-5.1.1 two 550 5.1.1 three", "550 [5 1 1] one two three"},
		{`554-one\n554-two\r\n554 three`, "554 [0 0 0] one two three"},
		{"554-one\r\n554 two\r\n", "554 [0 0 0] one two"},
		{"550-5.1.1 gone 450 4.0.0 come back", "450 [4 0 0] gone come back"}, // the last line's class
		{"450-4.2.0 wait\n550 no", "550 [0 0 0] wait no"},                    // a code of another class is not about it
		{"421-4.7.0 try again in 450 seconds 421 4.7.0 bye", "421 [4 7 0] try again in 450 seconds bye"},
		{"550 the last 450 of them", "550 [0 0 0] the last 450 of them"},
		{"550 #5.1.0 Address rejected.", "550 [5 1 0] Address rejected."},
		{"550 sorry, no mailbox here by that name. (#5.1.1)", "550 [5 1 1] sorry, no mailbox here by that name. (#5.1.1)"},
		{"450 5.1.1 odd", "450 [4 1 1] odd"}, // the basic code is the one all agree on
		{"550 5.1.1", "550 [5 1 1] "},
		{"550", "550 [0 0 0] "},
		{"550 192.0.2.1 is blocked", "550 [0 0 0] 192.0.2.1 is blocked"},
		{"550 5.1.1: no", "550 [5 1 1] no"},
		{"Connection timed out", "0 [0 0 0] Connection timed out"},
		{"", "0 [0 0 0] "},
		{"5501 no code", "0 [0 0 0] 5501 no code"},
	} {
		r := Parse("mx.example.org.", client.StageRcpt, c.text)
		if got := fmt.Sprintf("%d %v %s", r.Code, r.Enhanced, r.Text); got != c.want || r.MX != "mx.example.org" {
			t.Errorf("Parse(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestNormalise(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"<Bob@Example.ORG>:  User  unknown", "<*>: user unknown"},
		{"(bob@example.org:blocked)", "(*:blocked)"},
		{"to bob@example.org. Bye", "to *. bye"},
		{`<"a b"@example.org> unknown`, `<"a b"*> unknown`},
		{"client [192.0.2.1]:4711, 2001:db8::1 and ::1.", "client [*]:4711, * and *."},
		{"see https://x.example/?ip=192.0.2.1&c=hi", "see https://x.example/?ip=*&c=hi"},
		{"[TSS04] S2017062302 (AS16012609) OFR_416 AUP#1310", "[tss04] s2017062302 (as16012609) ofr_416 aup#1310"},
		{"x v14si1155795plk.134 - gsmtp", "x *.134 - gsmtp"},
		{"queued as 4CA1E2C0D9", "queued as *"},
		{"mta1082.mail.bf1.yahoo.com says", "*.mail.*.yahoo.com says"},
		{"one 550-5.7.1 two 550- three", "one two three"},
		{"DT:SPM please", "dt:spm please"},
		{"Größe", "größe"},
		{"\xff\xfe", "?"},
		{"", ""},
	} {
		if got := Normalise(c.text); got != c.want {
			t.Errorf("Normalise(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestGroup(t *testing.T) {
	one := Group("Greylisted, try again in 299 seconds (00:04:59), id 12345678 5.7.1x")
	two := Group("Greylisted, try again in 12 seconds (00:00:12), id 87654321 5.7.1x")
	if want := "greylisted, try again in * seconds (*:*:*), id * *.*.*"; one != want || two != want {
		t.Errorf("%q and %q, want %q", one, two, want)
	}
}

// Texts go into lists and onto terminals: what comes out is valid, has no line ends, is
// stable, and grows by nothing; and no reply is judged as final before MAIL.
func FuzzParse(f *testing.F) {
	list, text := samples(f)
	for i := range list {
		f.Add(strings.Split(text[list[i].line-1], "\t")[2], uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, at uint8) {
		stage := client.Stage(at) % (client.StageQuit + 1)
		r := Parse("mx3.qq.com", stage, text)
		if r.Code != 0 && (r.Code < 200 || r.Code > 599) || r.Enhanced[0] != 0 && r.Code != 0 && r.Enhanced[0] != r.Code/100 {
			t.Errorf("%q: %d %v", text, r.Code, r.Enhanced)
		}
		norm := Normalise(r.Text)
		if !utf8.ValidString(norm) || strings.ContainsAny(norm, "\r\n\t") || Normalise(norm) != norm {
			t.Errorf("Normalise(%q) = %q, and then %q", r.Text, norm, Normalise(norm))
		}
		if group := Group(r.Text); !utf8.ValidString(group) || len(group) > len(norm) {
			t.Errorf("Group(%q) = %q", r.Text, group)
		}
		v := Default().Judge(r)
		if stage < client.StageMail && r.Code/100 != 2 && (v.Class != Deferred || v.Blame == OfRecipient) {
			t.Errorf("%q at %s: %+v", text, stage, v)
		}
		if r.Code/100 == 4 && v.Class == Failed && v.Rule != "yahoo-tss09" {
			t.Errorf("%q: %+v", text, v)
		}
	})
}
