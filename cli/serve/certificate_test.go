package serve

import (
	"testing"
	"time"

	"relay/cli/place"
	"relay/cli/selfsigned"
)

func TestSelfSigned_isKeptAndRenewed(t *testing.T) {
	dir := place.Dir(t.TempDir())
	now := time.Now()
	print := func(host string, now time.Time) string {
		c, err := selfSigned(dir, host, now, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.current.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
		return c.fingerprint()
	}
	first := print("a.example", now)
	if print("a.example", now.Add(24*time.Hour)) != first {
		t.Error("another certificate the next day")
	}
	second := print("b.example", now)
	if second == first {
		t.Error("the same certificate for another name")
	}
	if print("b.example", now.Add(selfsigned.Life-24*time.Hour)) == second {
		t.Error("the same certificate at its end")
	}
}
