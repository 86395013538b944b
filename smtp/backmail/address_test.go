package backmail

import "testing"

func TestNames_Find(t *testing.T) {
	n := Names{Domain: "bounce.example.org", Host: "smtp.example.org"}
	for address, want := range map[string]struct {
		kind  Kind
		token string
	}{
		"b+AbC123@bounce.example.org":         {Token, "AbC123"},
		"B+AbC123@Bounce.Example.ORG":         {Token, "AbC123"},
		"b+AbC123@smtp.example.org":           {},
		"b+@bounce.example.org":               {},
		"b@bounce.example.org":                {},
		"bounce@bounce.example.org":           {Bounce, ""},
		"bounce@smtp.example.org":             {},
		"FBL@bounce.example.org":              {Complaint, ""},
		"Postmaster@smtp.example.org":         {Postmaster, ""},
		"abuse@bounce.example.org":            {Abuse, ""},
		"test@smtp.example.org":               {Test, ""},
		"errors@bounce.example.org":           {Errors, ""},
		"postmaster@example.org":              {},
		"user%example.net@bounce.example.org": {},
		`"test"@smtp.example.org`:             {},
		"info@bounce.example.org":             {},
		"test":                                {},
		"":                                    {},
	} {
		if kind, token := n.Find(address); kind != want.kind || token != want.token {
			t.Errorf("Find(%s) = %q, %q, want %q, %q", address, kind, token, want.kind, want.token)
		}
	}
}
