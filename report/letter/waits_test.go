package letter

import (
	"strings"
	"testing"
	"time"
)

// waits are letters of every sort, by the name of their golden files.
func waits() map[string]*Waits {
	first := Waits{Seller: "Rossi Hosting S.r.l.", Host: "smtp.example.org", Contact: "help@example.org", Account: "verdi-web",
		Recipients: 12_400, Cap: 200, LastDay: time.Date(2027, 10, 31, 0, 0, 0, 0, rome)}
	held := Waits{Host: "smtp.example.org", Account: "verdi-web", Provider: "Google", Reason: "unknown",
		Reply: "550 5.1.1 The email account that you tried to reach does not exist.", Until: time.Date(2027, 10, 31, 17, 30, 0, 0, rome)}
	owner, heldOwner := first, held
	owner.ToOwner, owner.Contact, heldOwner.ToOwner, heldOwner.Reason = true, "", true, "complaints"
	hostile := held
	hostile.Account, hostile.Reply, hostile.Reason = "x</td><script>\r\nBcc: all@evil.example", "550 \x00<b>", "else"
	return map[string]*Waits{"first": &first, "first-owner": &owner, "held": &held, "held-owner": &heldOwner, "held-hostile": &hostile}
}

func TestWaits_golden(t *testing.T) {
	for name, w := range waits() {
		html, err := w.HTML()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", w.Subject()+"\n\n"+w.Text())
		golden(t, name+".html", html)
		for line := range strings.Lines(w.Text()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > columns {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
		if strings.Contains(html, "<script") || strings.Contains(html, "<b>") {
			t.Errorf("%s: markup of others:\n%s", name, html)
		}
	}
}
