package words

import (
	"testing"
	"time"

	"relay/quota"
)

var (
	silver = quota.Plan{Name: "silver", Term: quota.Year, Bandwidth: 1e9, Price: 9600}
	gold   = quota.Plan{Name: "gold", Term: quota.Month, Emails: 5000, Price: 4000, Retired: true}
)

// What the arithmetic refuses, in the sentences that people have always read.
func TestLanguage_Refusal(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	c := quota.NewContract(silver, now, time.UTC, nil)
	late := now.AddDate(2, 0, 0)
	upgrade := func() error { _, err := quota.Upgrade(c, gold, late, time.UTC); return err }
	topUp := func() error { _, err := quota.TopUp(c, silver, "", late); return err }
	block := func() error { _, err := quota.BuyBlock(c, 5, 1, "", late); return err }
	refund := func() error {
		_, err := quota.Refund(quota.Refunding{Contract: c, Later: true, Overage: true, Abuse: true}, now.AddDate(0, 0, 40), time.UTC)
		return err
	}
	less := silver
	less.Name, less.Bandwidth, less.Price = "bronze", 5e8, 100
	smaller := func() error { _, err := quota.Upgrade(c, less, now, time.UTC); return err }
	one := func(order string, r quota.Reason) func() error {
		return func() error { return quota.Refuse(order, r) }
	}
	for _, x := range []struct {
		order func() error
		want  string
	}{
		{upgrade, "upgrade refused: the term has ended: renew with the other plan; plan gold is not sold any more; silver is a bandwidth plan, gold a count plan: change at renewal; silver runs for a year, gold for a month: change at renewal; gold costs less than silver"},
		{smaller, "upgrade refused: bronze does not allow more than silver: downgrade at renewal; bronze costs less than silver"},
		{topUp, "top-up refused: the term has ended: renew it; silver is a bandwidth plan: buy a block instead; silver is not a count plan; silver does not run for a month"},
		{block, "block refused: the term has ended: renew it; plan silver has no block of that size"},
		{refund, "refund refused: it is day 41 of the term, the last for a refund was day 30; it is not the first term of the account; there was overage in this term; the account was marked for abuse"},
		{one("top-up", quota.Reason{Why: quota.WhyUnlimited, From: gold}), "top-up refused: gold has no limit to add to"},
		{one("upgrade", quota.Reason{Why: quota.WhyUsedUp, From: gold}), "upgrade refused: what plan gold allows in 30 days is used up: renew it, or renew with the larger plan"},
		{one("order", quota.Reason{Why: quota.WhyRetired, To: gold}), "order refused: plan gold is not sold any more"},
		{one("cancel", quota.Reason{Why: quota.WhyOrdered, Invoice: "R-1", Account: "acme"}), "cancel refused: invoice R-1 is the order of account acme"},
		{one("plan", quota.Reason{Why: quota.WhySmaller, To: silver, Units: 20_000_000, Since: "2026-11-23"}), "plan refused: 20 MB of what was sent since 2026-11-23 would be overage"},
		{one("plan", quota.Reason{Why: quota.WhySmaller, To: gold, Units: 1200, Since: "2026-11-23"}), "plan refused: 1200 e-mails of what was sent since 2026-11-23 would be overage"},
	} {
		no, ok := x.order().(*quota.Refusal)
		if !ok {
			t.Errorf("not refused, want %s", x.want)
			continue
		}
		if got := English.Refusal(no); got != x.want {
			t.Errorf("Refusal says\n %s, want\n %s", got, x.want)
		}
	}
}

func TestOctets(t *testing.T) {
	for n, want := range map[int64]string{
		1: "1 octet", 999: "999 octets", 1000: "1 KB", 1500: "1.5 KB", 20_000_000: "20 MB", 1_200_000_001: "1.200000001 GB",
	} {
		if got := Octets(n); got != want {
			t.Errorf("Octets(%d) = %q, want %q", n, got, want)
		}
	}
}
