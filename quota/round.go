package quota

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Rate of a tax, in millionths of the amount it is on: 88,750 is 8.875 %.
type Rate int64

// Percent is a hundredth.
const Percent Rate = 10_000

// String is the rate in percent, "8.875%".
func (r Rate) String() string {
	sign := ""
	if r < 0 {
		sign, r = "-", -r
	}
	s := fmt.Sprintf("%s%d.%04d", sign, int64(r/Percent), int64(r%Percent))
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

// Tax on the net amount of one line of an invoice, rounded half away from zero.
// A negative amount, a line that is taken back, has the same tax with the other
// sign. It fails with ErrOverflow if the tax cannot be counted; at rates up to
// the whole it always can.
func Tax(net int64, rate Rate) (int64, error) { return mulDiv(net, int64(rate), int64(100*Percent)) }

// mulDiv is a times b divided by c, rounded half away from zero, without
// overflow in between. c has to be above zero.
func mulDiv(a, b, c int64) (int64, error) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	lo, carry := bits.Add64(lo, uint64(c)/2, 0) // half of an odd c is rounded down: nothing lies between
	hi += carry
	if hi >= uint64(c) {
		return 0, ErrOverflow
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	if q > math.MaxInt64 {
		return 0, ErrOverflow
	}
	if (a < 0) != (b < 0) {
		return -int64(q), nil
	}
	return int64(q), nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// mulAdd is sum + a×b of numbers that are not negative.
func mulAdd(sum, a, b int64) (int64, error) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	lo, carry := bits.Add64(lo, uint64(sum), 0)
	if hi+carry > 0 || lo > math.MaxInt64 {
		return 0, ErrOverflow
	}
	return int64(lo), nil
}
