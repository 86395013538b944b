package room

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"relay/store/engine"
)

// atOnce is how many keys EachDue works on at the same time, so that group commit takes as many of
// their transactions at once. More would be quicker and hold up intake longer.
const atOnce = 32

// EachDue calls fn, from several goroutines, for the keys of an index that begin with a time up to by, the
// oldest first. Its error is what stopped it before all keys were handed out: the context, a panic of fn, a
// failed read, or the store's close.
func (d *DB) EachDue(ctx context.Context, index engine.Bucket, by time.Time, fn func(key []byte)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	keys, panics := make(chan []byte), make(chan error, atOnce)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil { // it must not end the process
					panics <- fmt.Errorf("panic: %v\n%s", v, debug.Stack())
					stop()
				}
			}()
			for k := range keys {
				fn(k)
			}
		})
	}
	err := d.feedDue(ctx, index, by, keys)
	close(keys)
	wg.Wait()
	select {
	case err = <-panics:
	default:
	}
	return err
}

func (d *DB) feedDue(ctx context.Context, index engine.Bucket, by time.Time, keys chan<- []byte) error {
	var from []byte
	for {
		list, err := d.dueKeys(index, from, by)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, k := range list {
			if ctx.Err() != nil { // asked first: below, chance would choose
				return ctx.Err()
			}
			select {
			case keys <- k:
			case <-ctx.Done():
				return ctx.Err()
			case <-d.Stopping():
				return errors.New("the store is being closed")
			}
		}
		from = append(list[len(list)-1], 0)
	}
}

// dueKeys is one step of feedDue.
func (d *DB) dueKeys(index engine.Bucket, from []byte, by time.Time) (list [][]byte, err error) {
	err = d.View(func(t Tx) error {
		c := t.Cursor(index)
		for k, _ := c.Seek(from); k != nil && len(list) < Step && !ParseTime(k).After(by); k, _ = c.Next() {
			list = append(list, append([]byte(nil), k...))
		}
		return nil
	})
	return list, err
}
