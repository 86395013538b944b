package route

import (
	"context"
	"sync"
	"time"
)

// key is a question.
type key struct {
	name  string
	qtype uint16
}

// cache keeps answers until they expire, a bounded number of them, and lets
// those who ask the same wait for one answer.
type cache struct {
	mu      sync.Mutex
	max     int
	kept    map[key]answer
	running map[key]*flight
}

// flight is a question on its way.
type flight struct {
	done   chan struct{}
	answer answer // after done
}

func (c *cache) init(max int) {
	c.max = max
	c.kept = make(map[key]answer)
	c.running = make(map[key]*flight)
}

// get is the kept answer, or ask's. Its error is the context's only.
func (c *cache) get(ctx context.Context, k key, ask func() answer) (answer, error) {
	c.mu.Lock()
	if a, ok := c.kept[k]; ok && time.Now().Before(a.expires) {
		c.mu.Unlock()
		return a, nil
	}
	f := c.running[k]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.running[k] = f
		go func() {
			f.answer = ask()
			c.put(k, f.answer)
			close(f.done)
		}()
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.answer, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

func (c *cache) put(k key, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, k)
	if len(c.kept) >= c.max {
		c.evict()
	}
	c.kept[k] = a
}

// evict makes room: what has expired goes, and as much of the rest as fills an
// eighth, in the map's order, which is none.
func (c *cache) evict() {
	now := time.Now()
	for k, a := range c.kept {
		if !now.Before(a.expires) {
			delete(c.kept, k)
		}
	}
	for k := range c.kept {
		if len(c.kept) <= c.max*7/8 {
			return
		}
		delete(c.kept, k)
	}
}
