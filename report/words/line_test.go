package words

import "testing"

func TestDidYouMean(t *testing.T) {
	names := []string{"account", "add", "job", "list", "retire", "show"}
	for word, want := range map[string]string{
		"acount": `; did you mean "account"?`, "ad": `; did you mean "add"?`, "lsit": `; did you mean "list"?`,
		"remove": `; did you mean "retire"?`, "foo": "", "x": "", "": "",
	} {
		if got := DidYouMean(word, names); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}
