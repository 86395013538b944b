package quota

import (
	"fmt"
	"slices"
	"time"
)

// TopUpQuote is what a top-up or a block bought ahead costs and grants.
type TopUpQuote struct {
	Price int64 // minor units
	Lot   Lot   // counts at once; fresh, so what the period leaves of it is rounded to whole steps
}

// TopUp quotes a monthly count plan that is bought on top of a count plan and
// chained to contract c (M17). ref becomes the lot's. It is refused with a
// *Refusal where the contract has ended, has no limit, or a plan is of another kind.
func TopUp(c Contract, by Plan, ref string, now time.Time) (TopUpQuote, error) {
	r := &Refusal{Order: "top-up"}
	r.add(!now.Before(c.End), Reason{Why: WhyEnded, From: c.Plan})
	r.add(by.Retired, Reason{Why: WhyRetired, To: by})
	r.add(c.Plan.Kind() != Count, Reason{Why: WhyKind, From: c.Plan})
	r.add(by.Kind() != Count || by.Emails == 0, Reason{Why: WhyKind, To: by})
	r.add(by.Term != Month, Reason{Why: WhyTerm, To: by})
	r.add(c.Plan.Kind() == Count && c.Plan.Emails == 0, Reason{Why: WhyUnlimited, From: c.Plan})
	return TopUpQuote{Price: by.Price, Lot: c.fresh(by.Emails, ref, now)}, r.err()
}

// BuyBlock quotes blocks of the contract's plan that are bought ahead of need
// (M17). ref becomes the lot's. It is refused with a *Refusal where the contract
// has ended or the plan has no block of that size; it fails with ErrOverflow if
// price or size cannot be counted.
func BuyBlock(c Contract, bytes, count int64, ref string, now time.Time) (q TopUpQuote, err error) {
	r := &Refusal{Order: "block"}
	i := slices.IndexFunc(c.Plan.Blocks, func(b Block) bool { return b.Bytes == bytes })
	r.add(!now.Before(c.End), Reason{Why: WhyEnded, From: c.Plan})
	r.add(i < 0, Reason{Why: WhyNoBlock, From: c.Plan})
	if i < 0 {
		return q, r.err()
	}
	if count <= 0 {
		return q, fmt.Errorf("%d blocks: at least one", count)
	}
	amount, err := mulAdd(0, bytes, count)
	if err == nil {
		q.Price, err = mulAdd(0, c.Plan.Blocks[i].Price, count)
	}
	if err != nil {
		return TopUpQuote{}, fmt.Errorf("%d blocks of %d bytes: %w", count, bytes, err)
	}
	q.Lot = c.fresh(amount, ref, now)
	return q, r.err()
}

// fresh is credit that was just bought and lasts as long as the contract (M16).
func (c Contract) fresh(amount int64, ref string, now time.Time) Lot {
	return Lot{Ref: ref, Amount: amount, Granted: now.UTC(), Expires: c.End, Fresh: true}
}
