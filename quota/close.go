package quota

import "time"

// Closing is a period that is over, as it stands before its close.
type Closing struct {
	Plan   Plan      // of the contract, as it was at the period's end
	Period Period    // that is closed
	Expiry time.Time // UTC, end of the contract: of the credit that the close grants
	Used   Charge    // in the period
	Lots   []Lot     // of the account
}

// Settlement is what closing a period comes to: every line of it is an entry of the
// ledger. In units of the plan it holds that
//
//	Σ lots before + Bought.Bytes = Σ Draws + Overage + Σ Rounded + Unused + Σ Expired + Σ Lots
//
// where Overage is left out if nothing was bought for it.
type Settlement struct {
	Over    int64    // used over the allowance
	Draws   []Drawn  // from lots, in the order of use; their sum is Over less Overage
	Overage int64    // what no lot covered
	Bought  Purchase // blocks for the overage; none where the plan has none, and nothing is billed
	Credit  *Lot     // what the blocks left unused, in whole steps; nil: less than one
	Unused  int64    // what they left beside it, which is lost
	Rounded []Drawn  // of fresh lots what was no whole step, which is lost
	Expired []Drawn  // what was left at the end of the term, which is lost; Credit may be of it
	Lots    []Lot    // of the account from now on, in the order of use
}

// creditRef is the Ref of the lot that the close of a period grants.
func creditRef(periodKey string) string { return "credit-" + periodKey }

// ClosePeriod settles a period that is over: allowance, lots, overage, in this
// order (M16), then blocks (M15), rounding (M17) and the end of the term. A lot
// that was granted after the period's end has no part in it, so that a close may
// run late. It fails with ErrOverflow if the blocks' price cannot be counted.
func ClosePeriod(in Closing) (Settlement, error) {
	ours, others := in.split()
	c := Settlement{Over: Over(in.Plan, in.Used)}
	c.Draws, ours, c.Overage = Draw(ours, c.Over)
	ours = c.round(ours, in.Plan.Step())
	if err := c.buy(in); err != nil {
		return Settlement{}, err
	}
	if c.Credit != nil {
		ours = append(ours, *c.Credit)
	}
	c.expire(append(ours, others...), in.Period.End)
	return c, nil
}

// split parts the lots that the period could use from those granted after it or
// expired before it.
func (in Closing) split() (ours, others []Lot) {
	for _, l := range in.Lots {
		if l.Granted.Before(in.Period.End) && in.Period.Start.Before(l.Expires) {
			ours = append(ours, l)
		} else {
			others = append(others, l)
		}
	}
	return ours, others
}

// round makes whole steps of what is left of fresh lots.
func (c *Settlement) round(lots []Lot, step int64) []Lot {
	for i := range lots {
		l := &lots[i]
		if !l.Fresh {
			continue
		}
		l.Fresh = false
		if lost := l.Amount % step; lost > 0 {
			c.Rounded = append(c.Rounded, Drawn{l.Ref, lost})
			l.Amount -= lost
		}
	}
	return lots
}

// buy covers the overage with blocks.
func (c *Settlement) buy(in Closing) (err error) {
	if c.Overage == 0 || !in.Plan.Bills() || in.Plan.Kind() != Bandwidth {
		return nil
	}
	if c.Bought, err = Cover(c.Overage, in.Plan.Blocks); err != nil {
		return err
	}
	left := c.Bought.Bytes - c.Overage
	c.Unused = left % in.Plan.Step()
	if credit := left - c.Unused; credit > 0 {
		c.Credit = &Lot{Ref: creditRef(in.Period.Key), Amount: credit, Granted: in.Period.End, Expires: in.Expiry}
	}
	return nil
}

// expire keeps the lots that outlive end.
func (c *Settlement) expire(lots []Lot, end time.Time) {
	_, lots, _ = Draw(lots, 0) // in order, without the empty ones
	for _, l := range lots {
		if end.Before(l.Expires) {
			c.Lots = append(c.Lots, l)
		} else {
			c.Expired = append(c.Expired, Drawn{l.Ref, l.Amount})
		}
	}
}
