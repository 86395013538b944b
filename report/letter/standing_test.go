package letter

import (
	"strings"
	"testing"
)

// standings are letters of every sort, by the name of their golden files.
func standings() map[string]*Standing {
	listed := Standing{Seller: "Rossi Hosting S.r.l.", Host: "smtp.example.org", Source: "192.0.2.25", Drained: true, Culprit: "verdi-web",
		Listings: []StandingList{{"Barracuda", "client host [192.0.2.25] blocked using Barracuda Reputation", "https://www.barracudacentral.org/lookups"}, {List: "Ours"}}}
	minor := Standing{Host: "smtp.example.org", Source: "192.0.2.25", Listings: []StandingList{{List: "PSBL"}}}
	clean := Standing{Host: "smtp.example.org", Source: "192.0.2.25"}
	gone := Standing{Host: "smtp.example.org", Source: "2001:db8::25", Gone: "cannot assign requested address"}
	hostile := listed
	hostile.Culprit, hostile.Listings = "", []StandingList{{"L</td><script>", "x\r\nBcc: all@evil.example <b>", ""}}
	return map[string]*Standing{"listed": &listed, "listed-minor": &minor, "listed-hostile": &hostile, "clean": &clean, "gone": &gone}
}

func TestStanding_golden(t *testing.T) {
	for name, s := range standings() {
		html, err := s.HTML()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", s.Subject()+"\n\n"+s.Text())
		golden(t, name+".html", html)
		for line := range strings.Lines(s.Text()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > columns && !strings.Contains(line, "https://") {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
		if strings.Contains(html, "<script") || strings.Contains(html, "<b>") {
			t.Errorf("%s: markup of others:\n%s", name, html)
		}
	}
}
