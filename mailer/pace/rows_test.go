package pace

import (
	"strings"
	"testing"
)

func TestRows_Match(t *testing.T) {
	for hosts, want := range map[string]string{
		"gmail-smtp-in.l.google.com alt1.gmail-smtp-in.l.google.com": "Google",
		"aspmx.l.google.com mx.example.org":                          AnyOther,
		"example-org.mail.protection.outlook.com":                    "Microsoft 365",
		"hotmail-com.olc.protection.outlook.com":                     "Microsoft consumer",
		"mta5.am0.yahoodns.net":                                      "Yahoo, AOL",
		"mx01.mail.icloud.com":                                       "Apple",
		"mx00.gmx.net mx01.gmx.net":                                  "GMX, web.de",
		"mx00.t-online.de":                                           "T-Online",
		"smtp-in.orange.fr":                                          "Orange, laposte, free, sfr",
		"eu-smtp-inbound-1.mimecast.com":                             "Mimecast, Barracuda, Proofpoint",
		"mx1.qq.com":                                                 "QQ, NetEase",
		"notgoogle.com":                                              AnyOther,
		"google.com.example.org":                                     AnyOther,
		"":                                                           AnyOther,
	} {
		if got := Default().Match(strings.Fields(hosts)); got.Name != want {
			t.Errorf("Match(%s) = %s, want %s", hosts, got.Name, want)
		}
	}
}

func TestRow_Limits(t *testing.T) {
	row := Default().Match([]string{"mx.google.com"})
	for p, want := range map[Profile]Limits{
		Prudent: {1, 20, 10, 0, 50},
		Normal:  {3, 50, 100, 0, 50},
		Full:    {3, 50, 0, 0, 50},
	} {
		if got := row.Limits(p); got != want {
			t.Errorf("%s: %+v, want %+v", p, got, want)
		}
	}
}

func TestRead_own(t *testing.T) {
	rows, err := Read("pace.toml", []byte(`
[[row]]
name = "Google"
normal = "2/50/40"

[[row]]
name = "our partner"
mx = ["mx.google.com"]
prudent = "1/10/10"
normal = "5/0/0"
recipients = 100

[[row]]
name = "any other"
normal = "5/100/300"
`))
	if err != nil {
		t.Fatal(err)
	}
	if got := rows.Match([]string{"aspmx.google.com"}); got.Normal.Rate != 40 || got.Prudent.Rate != 10 {
		t.Errorf("Google is %+v", got)
	}
	if got := rows.Match([]string{"a.mx.google.com"}); got.Name != "our partner" || got.Normal.Recipients != 100 {
		t.Errorf("our partner is %+v", got)
	}
	if got := rows.Match([]string{"mx.example.org"}); got.Normal.Rate != 300 {
		t.Errorf("any other is %+v", got)
	}
	if Default().Match([]string{"mx.google.com"}).Normal.Rate != 100 {
		t.Error("ours changed")
	}
}

func TestRead_refuses(t *testing.T) {
	const limits = "prudent = \"1/1/1\"\nnormal = \"1/1/1\"\n"
	for text, want := range map[string]string{
		"[[row]]\nname = \"a\"\nmx = [\"a.org\"]\n" + limits + "[[row]]\nname = \"b\"\nmx = [\"mx.a.org\"]\n" + limits: "line 8: the row can never match: the row a before it takes all its hosts",
		"[[row]]\nname = \"a\"\n" + limits:                                                                                 "line 1: the row can never match: it names no hosts",
		"[[row]]\nname = \"a\"\nmx = [\"*.a.org\"]\n" + limits:                                                             `line 3: "*.a.org" can never match`,
		"[[row]]\nname = \"a\"\nmx = [\"A.org\"]\n" + limits:                                                               `can never match`,
		"[[row]]\nname = \"a\"\nmx = [\"a.org\", \"mx.a.org\"]\n" + limits:                                                 `line 3: "mx.a.org" never decides`,
		"[[row]]\nname = \"a\"\nmx = [\"a.org\"]\nconnections_per_minute = 2\nnormal = \"3/5/60\"\nprudent = \"1/5/10\"\n": "line 5: declared but unreachable: 5 messages a connection, 2 connections a minute make 10 messages a minute, not 60",
		"[[row]]\nname = \"Google\"\nall_rate = 50\n":                                                                      "line 1: declared but unreachable: one source may send 100 messages a minute, all together 50",
		"[[row]]\nname = \"Google\"\nall_connections = 2\n":                                                                "3 connections of one source, where all together may have 2",
		"[[row]]\nname = \"Google\"\nnormal = \"many\"\n":                                                                  `line 3: "many": connections/messages per connection/messages a minute`,
		"[[row]]\nname = \"Google\"\nrecipients = 0\n":                                                                     "line 3: 0 is not from 1",
		"[[row]]\nname = \"Google\"\nafter_421 = \"wait\"\n":                                                               `line 3: "wait": next or stop`,
		"[[row]]\nname = \"Google\"\nrecipient = 5\n":                                                                      `line 3: unknown key`,
		"[[row]]\nname = \"Google\"\n[[row]]\nname = \"Google\"\n":                                                         "line 4: \"Google\": each row needs a name of its own",
		"[[row]]\nname = \"any other\"\nmx = [\"a.org\"]\n":                                                                "line 3: the row any other is for all hosts",
		"[[row]]\nname = \"a\"\nmx = [\"a.org\"]\nprudent = \"1/1/1\"\n":                                                   "needs prudent and normal",
		"[[row]\n": "line 1: ",
	} {
		_, err := Read("pace.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n= %v, want %s", text, err, want)
		}
	}
}

// A row for hosts of two others matches domains that neither of them matches.
func TestRead_mixed(t *testing.T) {
	rows, err := Read("pace.toml", []byte("[[row]]\nname = \"a\"\nmx = [\"a.org\"]\nprudent = \"1/1/1\"\nnormal = \"1/1/1\"\n"+
		"[[row]]\nname = \"both\"\nmx = [\"a.org\", \"b.org\"]\nprudent = \"1/1/2\"\nnormal = \"1/1/2\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := rows.Match([]string{"mx.a.org", "mx.b.org"}).Name; got != "both" {
		t.Errorf("Match = %s", got)
	}
}
