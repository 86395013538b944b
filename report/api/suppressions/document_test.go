package suppressions

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The rows of a list stay small, however long its cells are: an address is the key of a
// record, and a reply goes into every message that is stopped.
func TestReading_bounds(t *testing.T) {
	r := reading{now: time.Now(), seen: map[string]bool{}}
	r.read("recipient,reply\na@a.test," + strings.Repeat("é", 100_000) + "\n")
	if len(r.faults) > 0 || len(r.list) != 1 || utf8.RuneCountInString(r.list[0].Reply) > mostReply {
		t.Errorf("%d faults, %d rows", len(r.faults), len(r.list))
	}
	r.read(strings.Repeat("a", 40_000) + "@a.test\n")
	if len(r.faults) != 1 || len(r.faults[0]) > 200 || len(r.list) != 1 {
		t.Errorf("a long address: %d faults, %d rows", len(r.faults), len(r.list))
	}
}
