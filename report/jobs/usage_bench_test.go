package jobs

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/report/tell"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/spooled"
)

var accountCount = flag.Int("accounts", 10_000, "accounts in BenchmarkUsage")

// BenchmarkUsage looks at -accounts accounts that all sent mail, of which one in a hundred
// gets a mail, while eight sessions hand over messages, with a short pause after each. It says
// how long it took until the look was over and until all was told, and how many messages a
// second were taken before and meanwhile.
func BenchmarkUsage(b *testing.B) {
	st := benchStore(b, *accountCount)
	letters := Letters{Config: tell.Config{Host: "relay.example", Seller: "Relay Ltd", Contact: "office@relay.example", Expire: time.Hour}}
	r, _ := runner(st, Config{Letters: letters, Looks: Looks{Schedule: "30 8 * * *", Near: 90}})
	for b.Loop() {
		var taken atomic.Int64
		ctx, cancel := context.WithCancel(b.Context())
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for ctx.Err() == nil {
					benchSend(b, st, "zz-sender", 10_240)
					taken.Add(1)
					time.Sleep(2 * time.Millisecond)
				}
			})
		}
		time.Sleep(5 * time.Second)
		idle, start := float64(taken.Swap(0))/5, time.Now()
		all.Go(func() { _ = r.RunNews(ctx) })
		res, err := r.Usage(ctx)
		if err != nil || len(res.Found) != *accountCount/100 {
			b.Fatalf("Usage found %d, %v", len(res.Found), err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "look-s")
		for left := 1; left > 0; {
			time.Sleep(20 * time.Millisecond)
			list, _, err := st.News.Due(1)
			if err != nil {
				b.Fatal(err)
			}
			left = len(list)
		}
		took := time.Since(start).Seconds()
		meanwhile := float64(taken.Load()) / took
		cancel()
		all.Wait()
		b.ReportMetric(took, "told-s")
		b.ReportMetric(idle, "idle-msgs/s")
		b.ReportMetric(meanwhile, "meanwhile-msgs/s")
	}
}

// benchStore has accounts that all sent something, one in a hundred a third of its allowance.
func benchStore(b *testing.B, n int) *store.Store {
	b.Helper()
	st, err := store.Open(b.TempDir()+"/relay.db", store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	plan := quota.Plan{Name: "plan", Term: quota.Year, Bandwidth: 1_000_000_000}
	add := func(name string, p quota.Plan) {
		if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name, Contact: "boss@" + name + ".example"}, Plan: p}); err != nil {
			b.Error(err)
		}
	}
	add("zz-sender", quota.Plan{Name: "open", Term: quota.Year})
	numbers := make(chan int)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			for i := range numbers {
				name := fmt.Sprintf("account-%06d", i)
				add(name, plan)
				if i%100 == 0 {
					benchSend(b, st, name, 334_000_000)
				} else {
					benchSend(b, st, name, 10_240)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	all.Wait()
	return st
}

func benchSend(b *testing.B, st *store.Store, name string, size int64) {
	m := &spooled.Message{Account: name, Size: size, Expires: st.Now().AddDate(0, 0, 1), Recipients: []spooled.Recipient{{Address: "x@one.example", Domain: "one.example"}}}
	body := st.Bodies.New()
	if _, err := body.Write(make([]byte, 10_240)); err != nil {
		b.Error(err)
	}
	if no, err := st.Accept(store.Intake{Message: m, Body: body}); no != nil || err != nil {
		b.Errorf("Accept = %+v, %v", no, err)
	}
}
