package sendmail

import (
	"slices"
	"strings"
	"testing"
)

func TestMailboxes(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // addresses, parted by spaces; "!": refused
	}{
		{"a@b.example", "a@b.example"},
		{" a@b.example , c@d.example,", "a@b.example c@d.example"},
		{"Ann Bee <a@b.example>", "a@b.example"},
		{`"Bee, Ann (x)" <a@b.example>, "c d"@e.example`, `a@b.example "c@d"@e.example`},
		{"root (Cron Daemon)", "root"},
		{"a@b.example (Ann (the \\) first)), root", "a@b.example root"},
		{"Ann\r\n\t<a@b.example>,\r\n c@d.example", "a@b.example c@d.example"},
		{"Team: a@b.example, Ann <c@d.example>;, e@f.example", "a@b.example c@d.example e@f.example"},
		{"undisclosed-recipients:;", ""},
		{"", ""},
		{"<@one.example,@two.example:a@b.example>", "a@b.example"},
		{"a . b @ c.example", "a.b@c.example"},
		{"a@[192.0.2.1], b@[IPv6:2001:db8::1]", "a@[192.0.2.1] b@[IPv6:2001:db8::1]"},
		{"=?utf-8?q?J=C3=BCrgen?= <j@b.example>", "j@b.example"},
		{"jürgen@bücher.example", "jürgen@bücher.example"},
		{"Ann Bee", "!"},
		{"a@b.example: c@d.example;", "!"},
		{"Ann <a@b.example>: c@d.example;", "!"},
		{"Ann <a@b.example", "!"},
		{"a@b.example <c@d.example> <e@f.example>", "!"},
		{`"Ann <a@b.example>`, "!"},
		{"(never closed a@b.example", "!"},
		{"a@b.example\nc@d.example", "!"},
		{"<a@b.example\r\nRCPT TO:x@y.example>", "!"},
	} {
		list, err := mailboxes(c.text)
		var got []string
		for _, m := range list {
			got = append(got, strings.ReplaceAll(m.addr, `"c d"`, `"c@d"`))
		}
		switch {
		case c.want == "!" && err == nil:
			t.Errorf("mailboxes(%q) = %q, want an error", c.text, got)
		case c.want != "!" && (err != nil || !slices.Equal(got, strings.Fields(c.want))):
			t.Errorf("mailboxes(%q) = %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

// The end of a mailbox is where its domain would have to stand.
func TestMailboxes_ends(t *testing.T) {
	for text, want := range map[string]string{
		"root (Cron Daemon), Ann <ann >": "root@h (Cron Daemon), Ann <ann@h >",
		`"Bee, Ann" <bee>`:               `"Bee, Ann" <bee@h>`,
		" www-data\r\n (web)":            " www-data@h\r\n (web)",
	} {
		list, err := mailboxes(text)
		if err != nil {
			t.Fatal(err)
		}
		got := text
		for _, m := range slices.Backward(list) {
			got = got[:m.end] + "@h" + got[m.end:]
		}
		if got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func FuzzMailboxes(f *testing.F) {
	for _, s := range []string{"a@b.example, Ann <c@d.example>", `"x, y" <z>`, "g: a, b;", "(c (d)) e@f", `<@a:b@c>`, `a@[1]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := mailboxes(text)
		if err != nil {
			return
		}
		last := 0
		for _, m := range list {
			if m.addr == "" || m.end <= last || m.end > len(text) || strings.ContainsAny(m.addr, "\r\n") {
				t.Errorf("%q: %+v after %d", text, m, last)
			}
			last = m.end
		}
	})
}
