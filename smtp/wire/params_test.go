package wire

import (
	"testing"

	"relay/store/spooled"
)

func TestParams(t *testing.T) {
	for in, want := range map[string]spooled.Notify{
		"NEVER": spooled.NotifyNever, "success,DELAY": spooled.NotifySuccess | spooled.NotifyDelay,
		"NEVER,DELAY": 0, "": 0, "SUCCESS,": 0, "FOO": 0,
	} {
		if got, ok := parseNotify(in); ok != (want != 0) || ok && got != want {
			t.Errorf("parseNotify(%q) = %v, %v", in, got, ok)
		}
	}
}
