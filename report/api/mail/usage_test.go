package mail

import (
	"testing"

	"relay/quota"
	"relay/store/standing"
)

func TestStandingUsage_credit(t *testing.T) {
	st := &standing.AccountUse{Standing: standing.Standing{Contract: quota.Contract{Key: "2026-11", Plan: quota.Plan{Name: "p", Emails: 10}}}}
	st.Used.Charged = quota.Charge{Messages: 12}
	st.Usage.Charged = st.Used.Charged
	st.Live = []quota.Lot{{Ref: "a", Amount: 5}}
	if v := standingUsage(st); v.CreditMessage != 3 || v.CreditBytes != 0 || v.OverMessages != 2 {
		t.Errorf("%+v", v)
	}
	st.Contract.Plan = quota.Plan{Name: "p", Bandwidth: 100}
	st.Used.Charged = quota.Charge{Messages: 12, Bytes: 130}
	st.Usage.Charged = st.Used.Charged
	if v := standingUsage(st); v.CreditMessage != 0 || v.CreditBytes != 0 || v.OverBytes != 30 {
		t.Errorf("%+v", v)
	}
}
