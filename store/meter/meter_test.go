package meter

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// Counts from many goroutines add up, and kinds beyond the limit are the zero kind.
func TestTable(t *testing.T) {
	var table Table[int]
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 2 * mostKinds {
				table.Add(1+(i+g)%20, 1)
			}
		})
	}
	all.Wait()
	for i := range 2 * mostKinds {
		table.Add(1+i, 1)
	}
	sum, kinds, zero := int64(0), 0, int64(0)
	table.Each(func(k int, n int64) {
		if sum, kinds = sum+n, kinds+1; k == 0 {
			zero = n
		}
	})
	if sum != 10*mostKinds || kinds > mostKinds+1 || zero != mostKinds {
		t.Errorf("%d in %d kinds, %d of no kind", sum, kinds, zero)
	}
}

func TestHistogram(t *testing.T) {
	h := Durations(time.Second, time.Minute)
	for _, d := range []time.Duration{0, time.Second, time.Second + 1, time.Minute, time.Hour} {
		h.Observe(int64(d))
	}
	s := h.Shape()
	if got := fmt.Sprint(s.Count, time.Duration(s.Sum), s.Within); got != "5 1h1m2.000000001s [2 4]" {
		t.Error(got)
	}
}

func BenchmarkTable(b *testing.B) {
	type key struct {
		provider, outcome string
	}
	var table Table[key]
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			table.Add(key{"Google", "delivered"}, 1)
		}
	})
}
