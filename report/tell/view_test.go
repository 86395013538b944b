package tell

import (
	"testing"

	"relay/report/letter/wording"
)

func TestLoad(t *testing.T) {
	set, err := wording.Load("", View{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range wording.Names() {
		p, err := set.Page("en", n, View{Seller: "Rossi", Host: "smtp.example.org"})
		if err != nil {
			t.Error(err)
			continue
		}
		t.Log(p.Subject + "\n" + p.Text())
	}
}
