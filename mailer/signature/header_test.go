package signature

import "testing"

func TestFromDomain(t *testing.T) {
	for from, want := range map[string]string{
		"a@Shop.Example": "shop.example", "Shop <a@shop.example>, b@other.example": "shop.example", "bad <<a@shop.example>": "shop.example",
		"nobody": "", "": "", "undisclosed:;": "", "list:a@shop.example;": "shop.example",
	} {
		if got := fromDomain([]byte("From: " + from + "\r\n\r\n")); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
}
