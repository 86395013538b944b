package people

import "testing"

func TestFoldLogin(t *testing.T) {
	for in, want := range map[string]string{"acme": "acme", "ACME@Example.org": "acme@example.org", "": "",
		"JOSE\u0301": "jos\u00e9", "jos\u00e9": "jos\u00e9", "JOS\u00c9": "jos\u00e9", "\u212aim": "kim"} {
		if got := FoldLogin(in); got != want {
			t.Errorf("FoldLogin(%q) = %q, want %q", in, got, want)
		}
	}
}
