package accounts

import (
	"testing"

	"relay/report/api/accounts"
	"relay/store/strangers"
)

func TestRecord_text(t *testing.T) {
	young := accounts.Record{Delivered: 340, Needed: 1000, Days: 2, DaysOf: 7, First: &accounts.FirstSendings{Cap: 800, Used: 57}}
	waits, proven := young, young
	waits.First = &accounts.FirstSendings{Cap: 800, Used: 800, Waiting: 1200, LastDay: "2026-12-03"}
	proven.Proven, proven.First = true, nil
	for name, x := range map[string]struct {
		record     *accounts.Record
		cap        int
		text, sent string
	}{
		"new":          {&young, 0, "new: 340 of 1,000 e-mails delivered by MX, 2 of 7 clean days", "57 of 800 used today"},
		"waits":        {&waits, 0, "new: 340 of 1,000 e-mails delivered by MX, 2 of 7 clean days", "800 of 800 used today; 1,200 recipients wait, the last goes out on 2026-12-03"},
		"proven":       {&proven, 0, "", ""},
		"no limit":     {&proven, strangers.NoCap, "", "no limit"},
		"by smarthost": {nil, 0, "", ""},
	} {
		v := &accounts.AccountDetail{Account: accounts.Account{FirstCap: x.cap}, Record: x.record}
		if got := recordText(v.Record); got != x.text {
			t.Errorf("%s: record %q, want %q", name, got, x.text)
		}
		if got := firstText(v); got != x.sent {
			t.Errorf("%s: first sendings %q, want %q", name, got, x.sent)
		}
	}
}
