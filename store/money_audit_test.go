package store

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
)

// audit replays a ledger by plain arithmetic, without the code that wrote it: what
// a period used is met by its allowance, by credit, and by blocks, each octet once,
// and what the blocks leave is credited.
type audit struct {
	periods map[string]*auditedPeriod
	lots    map[string]*auditedLot
}

type auditedPeriod struct {
	allowance              quota.Plan // Emails and Bandwidth of it
	used                   quota.Charge
	drawn, overage, credit int64
	closed, started        bool
	invoices               []string
}

type auditedLot struct {
	left    int64
	granted time.Time
}

func (m *moneyModel) audit(t *rapid.T, a *books.Account) {
	x := audit{map[string]*auditedPeriod{}, map[string]*auditedLot{}}
	if err := m.s.Books.Ledger(a.Name, func(e *ledger.Entry) error { return x.add(e) }); err != nil {
		t.Fatalf("ledger of %s: %v", a.Name, err)
	}
	for key, p := range x.periods {
		if err := m.audited(a, p); err != nil {
			t.Fatalf("%s, %s: %v: %+v", a.Name, key, err, *p)
		}
	}
}

func (x *audit) period(key string) *auditedPeriod {
	if x.periods[key] == nil {
		x.periods[key] = &auditedPeriod{}
	}
	return x.periods[key]
}

func (x *audit) add(e *ledger.Entry) error {
	p := x.period(e.Period)
	if e.Lot != "" {
		l := x.lots[e.Lot]
		if l == nil {
			l = &auditedLot{granted: e.Time}
			x.lots[e.Lot] = l
		}
		l.left += e.Units
	}
	switch e.Kind {
	case ledger.KindGrant, ledger.KindUpgraded, ledger.KindPlan:
		if e.Period == "" {
			return nil // a term of its own: its grant follows
		}
		if e.Kind == ledger.KindGrant && p.started {
			return fmt.Errorf("entry %d: the allowance of %s is granted twice", e.Seq, e.Period)
		}
		p.started = p.started || e.Kind == ledger.KindGrant
		p.allowance.Emails, p.allowance.Bandwidth = e.Messages, e.Bytes
	case ledger.KindCharge:
		p.used = p.used.Add(quota.Charge{Messages: e.Messages, Bytes: e.Bytes})
	case ledger.KindDraw:
		p.drawn -= e.Units
	case ledger.KindOverage:
		p.overage += e.Units
		return x.empty(e)
	case ledger.KindCredit:
		p.credit += e.Units
	case ledger.KindInvoice:
		p.invoices = append(p.invoices, e.Ref)
	case ledger.KindClosed:
		if p.closed || !p.started {
			return fmt.Errorf("entry %d: %s is closed, which is not open", e.Seq, e.Period)
		}
		p.closed = true
		return nil
	}
	if p.closed && (e.Kind == ledger.KindCharge || e.Lot != "") {
		return fmt.Errorf("entry %d: %s of %s after its close", e.Seq, e.Kind, e.Period)
	}
	return nil
}

// empty: there is overage when no credit is left.
func (x *audit) empty(e *ledger.Entry) error {
	for ref, l := range x.lots {
		if l.left > 0 && l.granted.Before(e.Time) {
			return fmt.Errorf("entry %d: overage, with %d left of credit %s", e.Seq, l.left, ref)
		}
	}
	return nil
}

func (m *moneyModel) audited(a *books.Account, p *auditedPeriod) error {
	if !p.closed {
		return nil
	}
	switch over := plainOver(p.allowance, p.used); {
	case p.drawn+p.overage != over:
		return fmt.Errorf("%d over, drawn %d, overage %d", over, p.drawn, p.overage)
	case p.overage > 0 && !m.goOn[a.Name]:
		return fmt.Errorf("overage in spite of suspend")
	case p.overage == 0 && len(p.invoices)+int(p.credit) > 0:
		return fmt.Errorf("an invoice or credit without overage")
	case p.overage == 0:
		return nil
	case len(p.invoices) != 1:
		return fmt.Errorf("%d invoices", len(p.invoices))
	}
	var number uint64
	if _, err := fmt.Sscan(p.invoices[0], &number); err != nil {
		return err
	}
	i, err := m.s.Books.Invoice(number)
	price, bytes := plainCover(p.overage)
	if credit := (bytes - p.overage) / (500 * mb) * (500 * mb); err != nil || i.Net != price || p.credit != credit {
		return fmt.Errorf("invoiced %d, %v, want %d; %d bought, want %d credited", i.Net, err, price, bytes, credit)
	}
	return nil
}

// plainOver is M14 and M11 in short: octets, an e-mail too many standing for 10 KB
// of them; or e-mails.
func plainOver(p quota.Plan, used quota.Charge) int64 {
	switch {
	case p.Bandwidth == 0 && p.Emails == 0:
		return 0
	case p.Bandwidth == 0:
		return max(used.Messages-p.Emails, 0)
	case p.Emails == 0:
		return max(used.Bytes-p.Bandwidth, 0)
	}
	return max(used.Bytes-p.Bandwidth, (used.Messages-p.Emails)*10_000, 0)
}

// plainCover is the least price, and of its sets the smallest, of the plans' blocks
// that hold so much: the best set of each size up to it, one after the other.
func plainCover(over int64) (price, bytes int64) {
	best := make([][2]int64, (over+gb-1)/gb+1)
	for n := 1; n < len(best); n++ {
		for i, b := range blocks {
			size := int(b.Bytes / gb)
			from := best[max(n-size, 0)]
			is := [2]int64{from[0] + b.Price, from[1] + b.Bytes}
			if i == 0 || is[0] < best[n][0] || (is[0] == best[n][0] && is[1] < best[n][1]) {
				best[n] = is
			}
		}
	}
	last := best[len(best)-1]
	return last[0], last[1]
}
