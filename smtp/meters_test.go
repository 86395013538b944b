package smtp

import (
	"maps"
	"testing"

	"relay/smtp/wire"
)

// Replies are counted by their codes, our own and those that go-smtp writes.
func TestMeters(t *testing.T) {
	var m Meters
	m.said(errAccount.With("account acme: closed"))
	m.said(errAccount.With("account emca: closed"))
	m.said(wire.OkMail)
	for _, line := range []string{"250 2.0.0 ok\r\n", "550 5.7.1 no\r\n", "502 5.5.1 unknown\r\n", "500 what\r\n", "554 5.1 x\r\n", "421 4.99999.1 x\r\n", "421 \r\n"} {
		m.saidLine([]byte(line))
	}
	got := map[wire.Refusal]int64{}
	m.Refusals.Each(func(r wire.Refusal, n int64) { got[r] = n })
	of := func(code int, e enh) wire.Refusal { return wire.Refusal{Code: code, Enhanced: e} }
	want := map[wire.Refusal]int64{of(550, enh{5, 7, 1}): 3, of(502, enh{5, 5, 1}): 1, of(500, enh{}): 1, of(554, enh{}): 1, of(421, enh{}): 2}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
