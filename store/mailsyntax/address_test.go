package mailsyntax

import "testing"

func TestIsAddress(t *testing.T) {
	for in, want := range map[string]bool{
		"you@example.org": true, "jürgen@bücher.example": true, "you@[192.0.2.1]": true,
		"": false, "you": false, `"a b"@example.org`: false, "You <you@example.org>": false, " you@example.org": false, "a@b, c@d": false,
		"y\u200bou@example.org": false, "you@exa\tmple.org": false, "you@example.org\n": false,
	} {
		if got := IsAddress(in); got != want {
			t.Errorf("IsAddress(%q) = %t", in, got)
		}
	}
}
