package pace

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAlarms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Alarms[int]
		set, now := map[int]time.Time{}, start
		for range 200 {
			k := rapid.IntRange(0, 30).Draw(t, "key")
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				a.Drop(k)
				delete(set, k)
			case 1:
				now = now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "pass")) * time.Second)
				for {
					k, ok := a.Pop(now)
					if !ok {
						break
					}
					if at, ok := set[k]; !ok || at.After(now) {
						t.Fatalf("%d woke at %s, set for %s", k, now, at)
					}
					delete(set, k)
				}
				for k, at := range set {
					if !at.After(now) {
						t.Fatalf("%d did not wake", k)
					}
				}
			default:
				set[k] = now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "wait")) * time.Second)
				a.Set(k, set[k])
			}
			if a.Len() != len(set) {
				t.Fatalf("%d alarms, want %d", a.Len(), len(set))
			}
		}
	})
}

// A tick with 10,000 sites, of which a hundred wake.
func BenchmarkAlarms(b *testing.B) {
	var a Alarms[int]
	sites := make([]*Site, 10_000)
	for i := range sites {
		sites[i] = NewSite(google(), State{})
		a.Set(i, start.Add(time.Duration(i)*time.Millisecond))
	}
	now := start
	for b.Loop() {
		now = now.Add(100 * time.Millisecond)
		for {
			i, ok := a.Pop(now)
			if !ok {
				break
			}
			sites[i].Send(now, sites[i].Free(now))
			a.Set(i, sites[i].Next(now).Add(10*time.Second))
		}
	}
}
