package quota

import (
	"math"
	"math/bits"
)

// Parts is how many whole parts of an allowance are used, where parts make all of it: tenths,
// or percent. Of e-mails and octets the larger one counts. It is 0 where there is no limit,
// or where a share leaves nothing.
func (p Plan) Parts(used Charge, parts int64) int64 {
	return max(Parts(used.Messages, p.Emails, parts), Parts(used.Bytes, p.Bandwidth, parts))
}

// Parts is n times parts divided by of, rounded down; 0 unless all are above zero. It stops
// at the largest number there is.
func Parts(n, of, parts int64) int64 {
	if n <= 0 || of <= 0 || parts <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(n), uint64(parts))
	if hi >= uint64(of) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(of))
	return int64(min(q, math.MaxInt64))
}

// Whole is what a plan allows of a period, with live lots, in its units; 0 where there is no
// limit.
func (p Plan) Whole(live []Lot) int64 {
	if p.Emails == 0 && p.Bandwidth == 0 {
		return 0
	}
	return Left(p, Charge{}, live)
}
