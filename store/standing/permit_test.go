package standing

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/room"
	"relay/store/room/roomtest"
)

// model is what one account may send, as plainly as possible.
type model struct {
	*fixture
	plan   quota.Plan
	most   int64 // overage in a period; quota.Endless: any
	used   map[string]quota.Charge
	credit int64 // that is left, but for what the month that runs has used of it
	month  string
	off    bool // suspended
}

// over is what was used beyond an allowance, in units of the plan.
func (m *model) over(used quota.Charge) int64 {
	if m.plan.Bandwidth > 0 {
		return max(used.Bytes-m.plan.Bandwidth, 0)
	}
	return max(used.Messages-m.plan.Emails, 0)
}

// turn closes the months before this one: what they used beyond the allowance goes off the credit.
func (m *model) turn() {
	if now := m.db.Now().In(m.zone).Format("2006-01"); now > m.month && m.plan.Term == quota.Year {
		m.credit -= min(m.over(m.used[m.month]), m.credit)
		m.month = now
	}
}

// ended reports whether the account's term is over: that of 30 days ends at midnight in Rome, in
// summer.
func (m *model) ended() bool {
	return m.plan.Term == quota.Month && !m.db.Now().Before(time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC))
}

// want is why the account may not send; "": it may.
func (m *model) want(login string, asked quota.Charge) string {
	switch {
	case login == "gone", login == "other":
		return "revoked"
	case login == "held":
		return "held"
	case m.off:
		return "suspended"
	case m.ended():
		return "expired"
	case m.most == quota.Endless:
		return ""
	}
	if over := m.over(m.used[m.month].Add(asked)); over > 0 && over > m.credit+m.most {
		return "exceeded"
	}
	return ""
}

func reason(r *Refusal) string {
	switch {
	case r == nil:
		return ""
	case r.Revoked:
		return "revoked"
	case r.Held != nil:
		return "held"
	case r.Expired:
		return "expired"
	case r.State != ledger.Active:
		return string(r.State)
	case r.Exceeded != nil:
		return "exceeded"
	}
	return "for nothing"
}

func (m *model) ask(t *rapid.T) {
	asked := quota.Charge{Messages: rapid.Int64Range(1, 600).Draw(t, "e-mails"), Bytes: rapid.Int64Range(1, 3*gb).Draw(t, "octets")}
	if m.most != quota.Endless && rapid.IntRange(0, 3).Draw(t, "exactly") == 0 { // what is left, or one more
		left := m.plan.Bandwidth + m.plan.Emails + m.credit + m.most - m.used[m.month].Messages
		if m.plan.Bandwidth > 0 {
			left = m.plan.Bandwidth + m.credit + m.most - m.used[m.month].Bytes
		}
		left = max(left+rapid.Int64Range(0, 1).Draw(t, "more"), 1)
		asked = quota.Charge{Messages: left, Bytes: left}
	}
	login := rapid.SampledFrom([]string{"", "", "", "good", "gone", "other", "held"}).Draw(t, "login")
	want := m.want(login, asked)
	r, err := m.Permit("acme", login, asked)
	if err != nil || reason(r) != want {
		t.Fatalf("asked for %v by %q after %v, credit %d, most %d: %q %+v, %v, want %q", asked, login, m.used[m.month], m.credit, m.most, reason(r), r, err, want)
	}
	if again := m.send("acme", login, asked); reason(again) != want {
		t.Fatalf("as it was charged: %+v, want %q", again, want)
	}
	switch want {
	case "":
		m.used[m.month] = m.used[m.month].Add(asked)
	case "exceeded":
		x := r.Exceeded
		if x.Used != m.used[m.month] || x.Asked != asked || x.Credit != m.credit || x.Most != m.most || x.Allowance != m.plan.Allowance() || x.Renewed.IsZero() != (m.plan.Term == quota.Month) {
			t.Fatalf("exceeded is %+v, used %v, credit %d, most %d", x, m.used[m.month], m.credit, m.most)
		}
	}
}

// wait keeps within a year; the table below has its end.
func (m *model) wait(t *rapid.T) {
	by := time.Duration(rapid.IntRange(1, 40*24).Draw(t, "hours")) * time.Hour
	if m.db.Now().Add(by).After(roomtest.Begin.AddDate(0, 11, 0)) {
		t.Skip("a year is over")
	}
	m.db.Pass(by)
	m.turn()
}

func (m *model) grant(t *rapid.T) {
	if m.most != 0 || m.ended() {
		t.Skip("blocks leave credit too, and nothing holds it after the end")
	}
	n := rapid.Int64Range(1, 500).Draw(t, "units")
	m.did(m.r.Orders.Correct(operator, "acme", orders.Correction{Units: n, Text: "model"}))
	m.credit += n
}

func (m *model) switched(t *rapid.T) {
	if m.off = rapid.Bool().Draw(t, "off"); m.off {
		m.did(m.r.Orders.Suspend(operator, "acme", "model"))
	} else {
		m.did(m.r.Orders.Resume(operator, "acme"))
	}
}

func (m *model) check(t *rapid.T) {
	for key, used := range m.used {
		if m.plan.Term == quota.Month {
			key = "2026-03-01"
		}
		if u, err := m.Usage("acme", key); err != nil || u.Charged != used || u.Queued != used.Messages {
			t.Fatalf("usage of %s is %+v, %v, want %v", key, u, err, used)
		}
	}
	seen := map[string]bool{}
	m.must(m.r.Books.Ledger("acme", func(e *ledger.Entry) error {
		if e.Kind == ledger.KindCharge && seen[e.Day] {
			t.Fatalf("%s has two entries", e.Day)
		}
		seen[e.Day] = true
		return nil
	}))
	if found := m.verify(); found != nil {
		t.Fatalf("found %q", found)
	}
}

// Whatever an account has used and is, it may send what a plain model of its plan says.
func TestStandings_Permit_AgainstModel(t *testing.T) {
	type choice struct {
		plan quota.Plan
		own  books.Account
		most int64
	}
	choices := []choice{
		{count, books.Account{}, 0},
		{month, books.Account{}, 0},
		{plain, books.Account{AtLimit: quota.Suspend}, 0},
		{plain, books.Account{AtLimit: quota.Continue}, quota.Endless},
		{billed, books.Account{AtLimit: quota.Suspend}, 0},
		{billed, books.Account{OverMax: quota.Uncapped}, quota.Endless},
	}
	rapid.Check(t, func(r *rapid.T) {
		c := choices[rapid.IntRange(0, len(choices)-1).Draw(r, "account")]
		m := &model{fixture: open(t), plan: c.plan, most: c.most, used: map[string]quota.Charge{}, month: "2026-03"}
		defer m.db.Close(t)
		c.own.Name = "acme"
		m.add(c.own, c.plan)
		m.logins()
		r.Repeat(map[string]func(*rapid.T){"ask": m.ask, "ask more": m.ask, "wait": m.wait, "grant": m.grant, "switch": m.switched,
			"kill": func(*rapid.T) { m.kill() }, "": m.check})
	})
}

// logins adds those that the tests name: one that may send, one that is held, and one of another account.
func (f *fixture) logins() {
	f.Helper()
	f.add(books.Account{Name: "stranger"}, count)
	f.db.Do(f, func(t *room.Tx) error {
		for _, c := range []people.Credential{{Login: "good", Account: "acme"}, {Login: "held", Account: "acme", Hold: &people.LoginHold{}}, {Login: "other", Account: "stranger"}} {
			if err := people.OwnLogins.Add(t, c.Account, c.Login, &c); err != nil {
				return err
			}
		}
		return nil
	})
}

// Each state of an account has its answer, and the invoice that lets it send where there is one.
func TestStandings_Permit(t *testing.T) {
	sold := quota.Plan{Name: "sold", Term: quota.Year, Emails: 1000, Price: 9000}
	order := func(f *fixture) {
		f.did(f.r.Orders.AddAccount(operator, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: sold}))
	}
	activate := func(f *fixture) { f.did(f.r.Orders.Activate(operator, "acme")) }
	pay := func(f *fixture) {
		f.did(f.r.Orders.RecordPayment(operator, ledger.Payment{Invoice: 1, Method: "bank", Reference: "1"}))
	}
	dun := func(f *fixture) {
		f.must(f.r.Orders.DunBy(f.Context(), f.db.Now(), func(_ ledger.Invoice, _ orders.Receipt, err error) { f.must(err) }))
	}
	days := func(n int) func(*fixture) {
		return func(f *fixture) { f.db.Pass(time.Duration(n) * day) }
	}
	gratis := func(f *fixture) { f.add(books.Account{Name: "acme"}, count) }
	end := func(f *fixture) { f.did(f.r.Orders.CloseAccount(operator, "acme", "")) }
	for name, c := range map[string]struct {
		do     []func(*fixture)
		want   string
		unpaid uint64
	}{
		"no account": {nil, "closed", 0},
		"pending":    {[]func(*fixture){order}, "pending", 1},
		"paid":       {[]func(*fixture){order, pay}, "", 0},
		"on credit":  {[]func(*fixture){order, activate}, "", 0},
		"held back":  {[]func(*fixture){order, activate, days(22), dun}, "suspended", 1},
		"paid then":  {[]func(*fixture){order, activate, days(22), dun, pay}, "", 0},
		"last day":   {[]func(*fixture){order, pay, days(364)}, "", 0},
		"over":       {[]func(*fixture){order, pay, days(365)}, "expired", 0},
		"renews":     {[]func(*fixture){gratis, days(365)}, "", 0},
		"closed":     {[]func(*fixture){order, pay, end}, "closed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			for _, do := range c.do {
				do(f)
			}
			for _, asked := range []quota.Charge{{}, emails(1)} {
				r, err := f.Permit("acme", "", asked)
				if err != nil || reason(r) != c.want {
					t.Fatalf("Permit(%v) = %+v, %v, want %q", asked, r, err, c.want)
				}
				var unpaid uint64
				if r != nil && r.Unpaid != nil {
					unpaid = r.Unpaid.Number
				}
				if unpaid != c.unpaid {
					t.Errorf("invoice %d lets it send, want %d", unpaid, c.unpaid)
				}
			}
		})
	}
}

// A month's term that does not suffice goes on in the next one, with the message that does not fit.
func TestStandings_Permit_nextTerm(t *testing.T) {
	f := open(t)
	f.must(f.r.Books.AddPlan(month))
	f.add(books.Account{Name: "acme"}, month)
	f.did(f.r.Orders.Renew(operator, "acme", ""))
	f.send("acme", "", emails(600))
	f.db.Pass(day)
	was := f.db.Dump(t)
	if r, err := f.Permit("acme", "", emails(1401)); err != nil || reason(r) != "exceeded" {
		t.Errorf("more than both have: %+v, %v", r, err)
	}
	if r, err := f.Permit("acme", "", emails(1400)); err != nil || r != nil {
		t.Errorf("all that is left and the next: %+v, %v", r, err)
	}
	if st, err := f.Standing("acme"); err != nil || st.Period.Key != "2026-03-01" || len(was) > len(f.db.Dump(t)) {
		t.Errorf("a question left %+v, %v", st, err)
	}
	if r := f.send("acme", "", emails(1400)); r != nil {
		t.Errorf("all that is left and the next: %+v", r)
	}
	if r := f.send("acme", "", emails(1)); reason(r) != "exceeded" || !r.Month || !r.Spent {
		t.Errorf("nothing is left: %+v", r)
	}
	if found := f.verify(); found != nil {
		t.Errorf("found %q", found)
	}
}
