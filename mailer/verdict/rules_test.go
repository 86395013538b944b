package verdict

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"relay/mailer/client"
	"relay/mailer/rulefile"
)

func TestDefault(t *testing.T) {
	_, err := parse("rules.toml", ours, nil)
	if wrong, ok := errors.AsType[*rulefile.Error](err); ok {
		for _, p := range wrong.Problems {
			t.Errorf("rules.toml:%d: %s", p.Line, p.Text)
		}
	} else if err != nil {
		t.Error(err)
	}
}

// Every rule of ours decides a reply of the file: none is dead.
func TestDefault_ruleIsTested(t *testing.T) {
	list, _ := samples(t)
	decided := map[string]bool{}
	for _, s := range list {
		decided[Default().Judge(s.reply).Rule] = true
	}
	for _, r := range Default().ordered {
		if !decided[r.ID] {
			t.Errorf("%s decides none of %s", r.ID, repliesFile)
		}
	}
}

const rule = "[[rule]]\nid = \"a\"\ncategory = \"RateLimited\"\n"

func TestRead_refuses(t *testing.T) {
	second := "[[rule]]\nid = \"b\"\ncategory = \"SpamBlock\"\n"
	for _, c := range []struct{ name, text, line, want string }{
		{"a broken file", "[[rule]]\nid = 3", "2", "id: cannot be of type"},
		{"an unknown key", rule + "txt = 'foo'", "4", `unknown key "rule.txt"`},
		{"no condition", rule, "1", "has no condition"},
		{"no id", "[[rule]]\ncategory = \"SpamBlock\"\ncode = [\"550\"]", "1", "id \"\""},
		{"one id twice", rule + "code = [\"550\"]\n" + rule + "code = [\"551\"]", "6", "two rules of that id; the other is on line 1"},
		{"an unknown category", "[[rule]]\nid = \"a\"\ncode = [\"550\"]\ncategory = \"SpamBlok\"", "4", "unknown category"},
		{"an unknown provider", rule + "provider = \"gogle\"", "4", "unknown provider"},
		{"a name that is no host", rule + "mx = [\"google\"]", "4", "no name of a host"},
		{"a host in capitals", rule + "mx = [\"MX.example.com\"]", "4", "in lower case"},
		{"mx beside provider", rule + "provider = \"google\"\nmx = [\"google.com\"]", "5", "one of both"},
		{"a provider without hosts", "[provider]\nmine = []\n" + rule + "provider = \"mine\"", "2", "has no hosts"},
		{"an unknown stage", rule + "stage = [\"RCPTS\"]", "4", "unknown stage"},
		{"the recipient before RCPT", "[[rule]]\nid = \"a\"\nstage = [\"greeting\"]\ncategory = \"InvalidRecipient\"", "3", "not known before RCPT"},
		{"an impossible code", rule + "code = [\"250\"]", "4", "impossible code"},
		{"a code that no RFC has", rule + "code = [\"570\"]", "4", "impossible code"},
		{"an impossible enhanced code", rule + "enhanced = [\"5.9.1\"]", "4", "impossible enhanced code"},
		{"codes of two classes", rule + "code = [\"4xx\"]\nenhanced = [\"5.7.1\"]", "5", "never comes with"},
		{"a bad pattern", rule + "text = ['foo(']", "4", "missing closing"},
		{"a pattern that takes all", rule + "text = ['.*']", "4", "tried at every reply"},
		{"a pattern with an address", rule + "text = ['bob@example']", "4", "never matches"},
		{"a class that no reply has", rule + "code = [\"550\"]\nclass = \"expired\"", "5", "class \"expired\""},
		{"a failure before MAIL", rule + "stage = [\"greeting\"]\nclass = \"failed\"", "5", "before MAIL"},
		{"an unknown blame", rule + "code = [\"550\"]\nblame = \"them\"", "5", "unknown blame"},
		{"an unknown party", rule + "code = [\"550\"]\nslows = \"us\"", "5", "slows"},
		{"a suspension for ever", rule + "code = [\"550\"]\nsuspend = \"3d\"", "5", "up to a day"},
		{"the same condition again", rule + "code = [\"550\"]\n" + second + "code = [\"550\"]", "5", "rule a on line 1 takes all"},
		{"a code below a wider one", rule + "code = [\"55x\"]\n" + second + "code = [\"550\"]", "5", "takes all"},
		{"a text that holds an earlier one", rule + "text = ['blocked']\n" + second + "text = ['is blocked by .* list', 'unblocked']", "5", "takes all"},
		{"a host below an earlier one", rule + "mx = [\"example.com\"]\ncode = [\"5xx\"]\n" + second + "mx = [\"mx.example.com\"]\ncode = [\"550\"]", "6", "takes all"},
		{"a stage of an earlier rule", rule + "stage = [\"before-mail\"]\n" + second + "stage = [\"EHLO\"]\ncode = [\"550\"]", "5", "takes all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read("own.toml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "line "+c.line+":") {
				t.Errorf("%v; want line %s: %s", err, c.line, c.want)
			}
		})
	}
}

// A condition that is wrong is still one: it is told once.
func TestRead_wrongCondition(t *testing.T) {
	for _, text := range []string{"provider = \"gogle\"", "text = ['x']", "code = [\"250\"]", "enhanced = [\"5.9.1\"]"} {
		if _, err := Read("own.toml", []byte(rule+text)); err == nil || strings.Contains(err.Error(), "has no condition") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestRead_takes(t *testing.T) {
	for _, text := range []string{
		"",
		rule + "code = [\"550\"]\n[[rule]]\nid = \"b\"\ncategory = \"SpamBlock\"\ncode = [\"55x\"]",                                                    // the wider one comes second
		rule + "text = ['is blocked']\n[[rule]]\nid = \"b\"\ncategory = \"SpamBlock\"\ntext = ['blocked']",                                             // so does the shorter text
		rule + "text = ['\\bblocked\\b']\n[[rule]]\nid = \"b\"\ncategory = \"SpamBlock\"\ntext = ['unblocked']",                                        // its end is not that of a word
		rule + "code = [\"550\"]\n[[rule]]\nid = \"b\"\ncategory = \"SpamBlock\"\nmx = [\"example.com\"]\ncode = [\"550\"]",                            // a provider's comes first
		"[provider]\nmine = [\"example.com\"]\n" + rule + "provider = \"mine\"\n[[rule]]\nid = \"b\"\ncategory = \"SpamBlock\"\nprovider = \"google\"", // ours have names too
	} {
		if _, err := Read("own.toml", []byte(text)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// The operator's rules come before ours, each in the order of its kind.
func TestRules_own(t *testing.T) {
	own, err := Read("own.toml", []byte(`
[[rule]]
id = "own-code"
code = ["550"]
category = "PolicyRelated"

[[rule]]
id = "own-text"
text = ["zzz"]
category = "SpamContent"

[[rule]]
id = "own-google"
provider = "google"
enhanced = ["5.1.1"]
category = "InactiveMailbox"
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ mx, text, want string }{
		{"mx.example.org", "550 5.1.1 user unknown", "own-code"},
		{"mx.example.org", "550 5.1.1 user zzz", "own-text"},
		{"aspmx.l.google.com", "550 5.1.1 zzz", "own-google"},
		{"aspmx.l.google.com.", "550 5.2.1 zzz", "own-text"},
		{"notgoogle.com", "450 4.1.1 user unknown", "text-unknown"},
	} {
		if got := own.Judge(Parse(c.mx, client.StageRcpt, c.text)).Rule; got != c.want {
			t.Errorf("%s: %s by %s, want %s", c.mx, c.text, got, c.want)
		}
	}
}

// What we say ourselves is judged by its code: its text is for people.
func TestRules_local(t *testing.T) {
	for _, c := range []struct {
		stage client.Stage
		text  string
		class Class
		want  Category
	}{
		{client.StageConnect, "550 5.1.2 no such domain", Failed, BadDomain},
		{client.StageConnect, "556 5.1.10 the domain accepts no mail", Failed, BadDomain},
		{client.StageConnect, "450 4.4.3 no answer of the DNS", Deferred, DNSFailure},
		{client.StageConnect, "550 5.4.6 mail would come back to this host", Failed, RoutingErrors},
		{client.StageConnect, "451 4.4.1 connection refused", Deferred, NoAnswerFromHost},
		{client.StageContent, "554 5.6.0 the message has a bare CR", Failed, ProtocolErrors},
		{client.StageRcpt, "553 5.1.3 the recipient's address is not well-formed", Failed, InvalidRecipient},
		{client.StageMail, "553 5.1.7 the sender's address is not well-formed", Failed, InvalidSender},
		{client.StageMail, "552 5.3.4 too large for the next hop", Failed, PolicyRelated},
		{client.StageHandshake, "451 4.7.5 handshake failed", Deferred, BadConnection},
		{client.StageStartTLS, "451 4.7.10 the policy wants TLS", Deferred, BadConnection},
		{client.StageStartTLS, "550 5.7.30 REQUIRETLS was asked for", Failed, PolicyRelated},
		{client.StageHandshake, "550 5.7.30 REQUIRETLS was asked for", Failed, PolicyRelated}, // Google has a rule on it
	} {
		r := Parse("aspmx.l.google.com", c.stage, c.text)
		r.Local = true
		if v := Default().Judge(r); v.Class != c.class || v.Category != c.want {
			t.Errorf("%s: %s %s by %s, want %s %s", c.text, v.Class, v.Category, v.Rule, c.class, c.want)
		}
	}
}

// Whatever is said before MAIL is not final, and not the recipient's fault.
func TestRules_beforeMail(t *testing.T) {
	list, _ := samples(t)
	for _, s := range list {
		for stage := client.StageConnect; stage < client.StageMail; stage++ {
			s.reply.Stage = stage
			if v := Default().Judge(s.reply); v.Class != Deferred || v.Blame == OfRecipient {
				t.Errorf("%s at %s: %s, %s by %s", s.reply.Text, stage, v.Class, v.Blame, v.Rule)
			}
		}
	}
}

func TestJudge_pace(t *testing.T) {
	for _, c := range []struct{ mx, text, want string }{
		{"mta7.am0.yahoodns.net", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", "source 2h0m0s 0s"},
		{"mta7.am0.yahoodns.net", "421 4.7.0 [TSS05] Messages from 192.0.2.1 temporarily deferred", "source 4h0m0s 0s"},
		{"mta7.am0.yahoodns.net", "421 4.7.0 [TS01] Messages from 192.0.2.1 temporarily deferred", "source 1h0m0s 0s"},
		{"mx.example.org", "450 4.2.0 Greylisted, please try again in 300 seconds", " 0s 5m0s"},
		{"mx.example.org", "451 4.7.1 Greylisting in action, please come back in 00:04:59", " 0s 4m59s"},
		{"mx.example.org", "451 please retry after 15 minutes", " 0s 15m0s"},
		{"mx.example.org", "421 4.7.0 rate limited, wait 2 hours", "site 0s 2h0m0s"},
		{"mx.example.org", "421 4.7.0 rate limited, wait 9 days", "site 0s 24h0m0s"},
		{"mx.example.org", "421 4.7.0 rate limited: 30 messages in 60 seconds, try again later", "site 0s 0s"},
		{"mx.example.org", "550 5.1.1 user unknown, do not try again in 5 minutes", " 0s 0s"},
		{"mx3.qq.com", "550 Domain frequency limited", "account 0s 0s"},
		{"aspmx.l.google.com", "421-4.7.28 unusual rate of unsolicited mail originating from your DKIM domain [example.com 35]. 421 4.7.28 later", "account 0s 0s"},
	} {
		v := Default().Judge(Parse(c.mx, client.StageRcpt, c.text))
		if got := fmt.Sprintf("%s %s %s", v.Slows, v.Suspend, v.Wait); got != c.want {
			t.Errorf("%s: %q by %s, want %q", c.text, got, v.Rule, c.want)
		}
	}
}

func TestJudge_delivered(t *testing.T) {
	if v := Default().Judge(Parse("mx.example.org", client.StageEnd, "250 2.0.0 Ok: queued as 4BXyz12345z")); v != (Verdict{Class: Delivered}) {
		t.Errorf("%+v", v)
	}
}

func BenchmarkJudge(b *testing.B) {
	list, _ := samples(b)
	rules := Default()
	for i := 0; b.Loop(); i++ {
		rules.Judge(list[i%len(list)].reply)
	}
}
