package quota

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// bruteCover tries every multiset that is not larger than it has to be.
func bruteCover(over int64, table []Block) Purchase {
	blocks := slices.SortedFunc(slices.Values(table), func(a, b Block) int {
		if a.Bytes != b.Bytes {
			return int(b.Bytes - a.Bytes)
		}
		return int(a.Price - b.Price)
	})
	n := make([]int64, len(blocks))
	var best []int64
	var least [3]int64
	var try func(i int)
	try = func(i int) {
		var sum [3]int64 // price, bytes, count
		for k, b := range blocks {
			sum[0] += n[k] * b.Price
			sum[1] += n[k] * b.Bytes
			sum[2] += n[k]
		}
		if sum[1] >= over {
			order := slices.Compare(sum[:], least[:])
			if best == nil || order < 0 || (order == 0 && slices.Compare(n, best) > 0) {
				best, least = slices.Clone(n), sum
			}
			return
		}
		for ; i < len(blocks); i++ {
			n[i]++
			try(i)
			n[i]--
		}
	}
	try(0)
	p := Purchase{Price: least[0], Bytes: least[1]}
	for k, b := range blocks {
		if best[k] > 0 {
			p.Blocks = append(p.Blocks, BlockCount{b, best[k]})
		}
	}
	return p
}

func drawTable(t *rapid.T) []Block {
	dearest := rapid.SampledFrom([]int64{4, 80}).Draw(t, "dearest") // of few prices some are equal
	table := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Block {
		bytes := rapid.Int64Range(1, 24).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "equal ratio") {
			return Block{bytes, bytes * 3}
		}
		return Block{bytes, rapid.Int64Range(1, dearest).Draw(t, "price")}
	}), 1, 5).Draw(t, "table")
	unit := rapid.SampledFrom([]int64{1, 3, 7}).Draw(t, "unit")
	for i := range table {
		table[i].Bytes *= unit
	}
	if rapid.Bool().Draw(t, "twice") {
		table = append(table, table[0])
	}
	return table
}

func TestCover_AgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		least := slices.MinFunc(table, func(a, b Block) int { return int(a.Bytes - b.Bytes) }).Bytes
		over := rapid.Int64Range(1, least*12).Draw(t, "over")
		got, err := Cover(over, table)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(bruteCover(over, table), got); diff != "" {
			t.Fatalf("Cover(%d, %v): (-want +got)\n%s", over, table, diff)
		}
		rand.Shuffle(len(table), func(i, j int) { table[i], table[j] = table[j], table[i] })
		if again, _ := Cover(over, table); !cmp.Equal(again, got) {
			t.Fatalf("Cover(%d) of the same table in another order = %v, want %v", over, again, got)
		}
	})
}

// tableCover is the plain table over every size, for tables too large to try all.
func tableCover(over int64, table []Block) (price, bytes, count int64) {
	best := make([][3]int64, over+1)
	for size := int64(1); size <= over; size++ {
		for i, b := range table {
			c := best[max(size-b.Bytes, 0)]
			c = [3]int64{c[0] + b.Price, c[1] + b.Bytes, c[2] + 1}
			if i == 0 || slices.Compare(c[:], best[size][:]) < 0 {
				best[size] = c
			}
		}
	}
	return best[over][0], best[over][1], best[over][2]
}

// Many octets, sizes without a common divisor, prices an octet that hardly differ.
func TestCover_AgainstTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Block {
			bytes := rapid.Int64Range(1, 400).Draw(t, "bytes")
			return Block{bytes, bytes*10 + rapid.Int64Range(0, 12).Draw(t, "more")}
		}), 1, 6).Draw(t, "table")
		over := rapid.Int64Range(1, 20_000).Draw(t, "over")
		got, err := Cover(over, table)
		if err != nil {
			t.Fatal(err)
		}
		var count int64
		for _, b := range got.Blocks {
			count += b.Count
		}
		price, bytes, n := tableCover(over, table)
		if got.Price != price || got.Bytes != bytes || count != n {
			t.Fatalf("Cover(%d, %v) = %+v, want %d for %d in %d blocks", over, table, got, price, bytes, n)
		}
	})
}

// More is never cheaper, and a whole b more costs the price of b.
func TestCover_Monotonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		a := rapid.Int64Range(0, 1<<40).Draw(t, "over")
		b := a + rapid.Int64Range(0, 1000).Draw(t, "more")
		less, err := Cover(a, table)
		if err != nil {
			t.Fatal(err)
		}
		more, err := Cover(b, table)
		if err != nil {
			t.Fatal(err)
		}
		if less.Price > more.Price || less.Bytes < a || more.Bytes < b {
			t.Fatalf("Cover(%d) = %+v, Cover(%d) = %+v", a, less, b, more)
		}
	})
}

func TestCover_Refuses(t *testing.T) {
	one := []Block{{kb, 5}}
	for _, tc := range []struct {
		name  string
		over  int64
		table []Block
		want  error
	}{
		{"no blocks", 1, nil, ErrNoBlocks},
		{"over more than can be counted", MaxOver + 1, one, ErrOverflow},
		{"a price that cannot be counted", MaxOver, []Block{{kb, maxPrice}}, ErrOverflow},
		{"prices that cannot be compared", 1, []Block{{maxFactor, maxPrice}, {1, 1}}, ErrOverflow},
	} {
		if p, err := Cover(tc.over, tc.table); !errors.Is(err, tc.want) {
			t.Errorf("%s: Cover = %v, %v, want %v", tc.name, p, err, tc.want)
		}
	}
	for _, b := range []Block{{0, 1}, {-1, 1}, {1, 0}, {1, -1}, {math.MaxInt64, 1}} {
		if p, err := Cover(1, []Block{b}); err == nil {
			t.Errorf("Cover with block %v = %v", b, p)
		}
	}
	if p, err := Cover(0, nil); err != nil || len(p.Blocks) > 0 {
		t.Errorf("Cover of nothing = %v, %v", p, err)
	}
}

// However large the over and however odd a table that Validate passes, Cover is quick.
func TestCover_Quick(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var slowest time.Duration
	most := 0
	for range 40 {
		table := make([]Block, 0, maxBlocks)
		for range maxBlocks {
			n := 1 + r.Int64N(maxGrades)
			table = append(table, Block{n * kb, n*1000 + r.Int64N(20)})
		}
		for _, over := range []int64{1 + r.Int64N(maxGrades*kb), 1 + r.Int64N(100*maxGrades*kb), MaxOver/1000 - r.Int64N(gb)} {
			s, err := newSearch(over, table)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			s.run()
			slowest = max(slowest, time.Since(start))
			most = max(most, len(s.choices))
		}
	}
	t.Logf("at most %d choices, %v", most, slowest)
	if most > 1_000_000 {
		t.Errorf("%d choices for one over", most)
	}
}

func BenchmarkCover(b *testing.B) {
	table := []Block{{gb, 1000}, {2 * gb, 1800}, {5 * gb, 4000}, {10 * gb, 7500}}
	for b.Loop() {
		if _, err := Cover(123_456_789_012, table); err != nil {
			b.Fatal(err)
		}
	}
}
