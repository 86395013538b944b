package quota

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Purchase is a set of blocks.
type Purchase struct {
	Blocks []BlockCount // by size, the largest first
	Bytes  int64        // in all
	Price  int64        // in all, minor units
}

// BlockCount is a number of equal blocks: one line of an invoice.
type BlockCount struct {
	Block
	Count int64 `json:"count"`
}

// ErrNoBlocks reports that there is nothing to cover overage with.
var ErrNoBlocks = errors.New("quota: no blocks to buy")

// Cover is the cheapest set of blocks that holds over octets. Of equally cheap
// ones it is the smallest, then the one of fewest blocks, then the one with more
// of the larger blocks. It is exact for every table and every over up to
// MaxOver. It fails with ErrNoBlocks for an empty table, and with ErrOverflow if
// the price cannot be counted.
//
// Let b be the block with the best price for an octet, the largest such block.
// Every other block costs an excess over what its octets would cost at b's price;
// so a set that holds over costs, times b's size,
//
//	price of b × (over + waste) + Σ excess.
//
// b alone covers with a waste below its size, so the best set wastes less than
// that too. How many of b it has follows from its other blocks: as many as are
// missing. So only the other blocks are searched, and three things bound that:
//
//  1. A choice of them whose excess and waste cost more than the best set found
//     so far is given up.
//  2. Two choices whose sizes differ by whole b compare as they are, with b for
//     the difference in the smaller one; whatever is added to one can be added to
//     the other. If the smaller is no worse, the larger is given up: where it has
//     no room for that many b beside it, the larger wastes a whole b.
//  3. Of as many blocks as b has units of the sizes' common divisor, some add up
//     to whole b (of that many partial sums and zero two are alike modulo b). b
//     in their place is no dearer, as large and, being the largest of its price,
//     no more blocks. So a choice is always smaller than that number.
//
// By 3 the search ends however large over is, and by 2 it holds one choice a
// remainder modulo b unless a larger one is better: Plan.Validate keeps the
// number of remainders at 10,000. A usual table has a handful.
//
// No part of the best choice is ever given up, for what is better in its place
// would be better in the whole. So it is enough to build choices in one order of
// their blocks.
func Cover(over int64, table []Block) (Purchase, error) {
	if over <= 0 {
		return Purchase{}, nil
	}
	s, err := newSearch(over, table)
	if err != nil {
		return Purchase{}, err
	}
	return s.purchase(s.run())
}

// search holds sizes in units of their common divisor.
type search struct {
	blocks []Block // by size, the largest first
	size   []int64
	excess []int64 // over the price of b, times b's size
	unit   int64   // octets
	best   int     // index of b
	over   int64

	choices []choice
	open    []int32         // choices to look at, a heap by size
	least   map[int64]int32 // by remainder modulo b: the best choice so far
}

// choice of blocks other than b: another one and a block more.
type choice struct {
	size, excess, count int64
	block               int32 // index of the last one
	from                int32 // the choice without it; -1: this one is empty
}

// maxFactor keeps sizes, prices and sums of their products within 64 bits.
const maxFactor = 1 << 60

func newSearch(over int64, table []Block) (*search, error) {
	if len(table) == 0 {
		return nil, ErrNoBlocks
	}
	if over > MaxOver {
		return nil, ErrOverflow
	}
	for _, b := range table {
		if b.Bytes <= 0 || b.Price <= 0 || b.Bytes > maxFactor {
			return nil, fmt.Errorf("quota: block of %d bytes at %d: size and price have to be above zero", b.Bytes, b.Price)
		}
	}
	s := &search{blocks: worthwhile(table), least: map[int64]int32{}}
	for _, b := range s.blocks {
		s.unit = gcd(s.unit, b.Bytes)
	}
	for _, b := range s.blocks {
		s.size = append(s.size, b.Bytes/s.unit)
	}
	// The first block is the largest and none costs more.
	if hi, lo := bits.Mul64(uint64(s.size[0]), uint64(s.blocks[0].Price)); hi > 0 || lo > maxFactor {
		return nil, ErrOverflow
	}
	s.over = (over-1)/s.unit + 1
	s.rate()
	return s, nil
}

// worthwhile leaves out blocks that cost more than one at least as large.
func worthwhile(table []Block) (kept []Block) {
	sorted := slices.SortedFunc(slices.Values(table), func(a, b Block) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Price, b.Price))
	})
	for _, b := range sorted {
		if n := len(kept); n == 0 || (b.Bytes < kept[n-1].Bytes && b.Price <= kept[n-1].Price) {
			kept = append(kept, b)
		}
	}
	return kept
}

// rate finds b and what the others cost over it.
func (s *search) rate() {
	for i := range s.blocks {
		if s.dearer(i, s.best) < 0 {
			s.best = i
		}
	}
	for i := range s.blocks {
		s.excess = append(s.excess, s.dearer(i, s.best))
	}
}

// dearer is what block i costs over its octets at the price of block j, times j's size.
func (s *search) dearer(i, j int) int64 {
	return s.blocks[i].Price*s.size[j] - s.blocks[j].Price*s.size[i]
}

// run looks at choices from the smallest on and returns the best one.
func (s *search) run() (best int32) {
	s.push(choice{from: -1})
	bound := s.cost(0)
	for len(s.open) > 0 {
		i := heap.Pop(s).(int32)
		c := s.choices[i]
		if s.atLeast(c) > bound {
			continue
		}
		rest := c.size % s.size[s.best]
		if j, ok := s.least[rest]; ok && !s.better(i, j) {
			continue
		}
		s.least[rest] = i
		if i != best && s.wins(i, best) {
			best, bound = i, s.cost(i)
		}
		if c.size >= s.over {
			continue
		}
		for b := int(c.block); b < len(s.blocks); b++ {
			d := choice{c.size + s.size[b], c.excess + s.excess[b], c.count + 1, int32(b), i}
			if b != s.best && s.atLeast(d) <= bound {
				s.push(d)
			}
		}
	}
	return best
}

func (s *search) push(c choice) {
	s.choices = append(s.choices, c)
	heap.Push(s, int32(len(s.choices)-1))
}

// atLeast is what any set with c in it costs, less the price of over itself.
func (s *search) atLeast(c choice) int64 {
	return c.excess + s.blocks[s.best].Price*max(c.size-s.over, 0)
}

// filled is how many b choice i lacks, and what is then wasted.
func (s *search) filled(i int32) (b, waste int64) {
	missing := s.over - s.choices[i].size
	if missing <= 0 {
		return 0, -missing
	}
	b = (missing-1)/s.size[s.best] + 1
	return b, b*s.size[s.best] - missing
}

func (s *search) cost(i int32) int64 {
	_, waste := s.filled(i)
	return s.choices[i].excess + s.blocks[s.best].Price*waste
}

// wins reports whether the set that i makes comes before that of j.
func (s *search) wins(i, j int32) bool {
	bi, wi := s.filled(i)
	bj, wj := s.filled(j)
	order := cmp.Or(
		cmp.Compare(s.cost(i), s.cost(j)),
		cmp.Compare(wi, wj),
		cmp.Compare(s.choices[i].count+bi, s.choices[j].count+bj),
	)
	return order < 0 || (order == 0 && s.larger(i, bi, j, bj))
}

// better reports whether i comes before j, which is smaller by whole b or as large.
func (s *search) better(i, j int32) bool {
	c, d := s.choices[i], s.choices[j]
	b := (c.size - d.size) / s.size[s.best]
	order := cmp.Or(cmp.Compare(c.excess, d.excess), cmp.Compare(c.count, d.count+b))
	return order < 0 || (order == 0 && s.larger(i, 0, j, b))
}

// larger reports whether i with bi of b has more of the larger blocks than j with bj.
func (s *search) larger(i int32, bi int64, j int32, bj int64) bool {
	return slices.Compare(s.counts(i, bi), s.counts(j, bj)) > 0
}

// counts of each block in choice i with so many b.
func (s *search) counts(i int32, b int64) []int64 {
	n := make([]int64, len(s.blocks))
	n[s.best] = b
	for c := s.choices[i]; c.from >= 0; c = s.choices[c.from] {
		n[c.block]++
	}
	return n
}

func (s *search) purchase(i int32) (p Purchase, err error) {
	b, _ := s.filled(i)
	for k, n := range s.counts(i, b) {
		if n == 0 {
			continue
		}
		p.Blocks = append(p.Blocks, BlockCount{s.blocks[k], n})
		p.Bytes += n * s.blocks[k].Bytes
		if p.Price, err = mulAdd(p.Price, n, s.blocks[k].Price); err != nil {
			return Purchase{}, fmt.Errorf("price of %d blocks: %w", n, err)
		}
	}
	return p, nil
}

// The heap of open choices.

func (s *search) Len() int      { return len(s.open) }
func (s *search) Swap(i, j int) { s.open[i], s.open[j] = s.open[j], s.open[i] }
func (s *search) Push(x any)    { s.open = append(s.open, x.(int32)) }

func (s *search) Less(i, j int) bool {
	a, b := s.choices[s.open[i]], s.choices[s.open[j]]
	return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.excess, b.excess)) < 0
}

func (s *search) Pop() any {
	last := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	return last
}
