package quiet

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// lines written since the last call, without time and level.
func (b *buffer) lines() []string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return strings.FieldsFunc(b.b.String(), func(r rune) bool { return r == '\n' })
}

func bubble(t *testing.T, fn func(t *testing.T, q *Log, b *buffer)) {
	synctest.Test(t, func(t *testing.T) {
		b := &buffer{}
		fn(t, New(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
					return slog.Attr{}
				}
				return a
			}}))), b)
	})
}

func want(t *testing.T, when string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %q, want %q", when, got, want)
	}
}

// What repeats is one line at once and one an interval, which has the number of
// those it stands for and the last one's words.
func TestLog_Often(t *testing.T) {
	bubble(t, func(t *testing.T, q *Log, b *buffer) {
		for i := range 5 {
			q.Often(slog.LevelWarn, "a", "no", slog.Int("i", i))
		}
		q.Often(slog.LevelWarn, "b", "no", slog.Int("i", 9))
		want(t, "at once", b.lines(), "msg=no i=0", "msg=no i=9")
		time.Sleep(Every)
		want(t, "after an interval", b.lines(), "msg=no i=4 count=4")
		time.Sleep(10 * Every)
		want(t, "later", b.lines())
		if len(q.open) != 0 {
			t.Errorf("%d failures are remembered", len(q.open))
		}
		q.Often(slog.LevelWarn, "a", "no", slog.Int("i", 7))
		want(t, "again", b.lines(), "msg=no i=7")
	})
}

// What lasts ends with one line, once, also when nothing failed for long.
func TestLog_Works(t *testing.T) {
	bubble(t, func(t *testing.T, q *Log, b *buffer) {
		q.Works("k", "no")
		q.Fails(slog.LevelError, "k", "no")
		time.Sleep(3 * Every)
		q.Fails(slog.LevelError, "k", "no")
		want(t, "failures", b.lines(), "msg=no", "msg=no")
		q.Works("other", "no")
		q.Works("k", "no")
		q.Works("k", "no")
		want(t, "the end", b.lines(), `msg="over: no" key=k failures=2 lasted=3m0s`)
		time.Sleep(2 * Every)
		want(t, "after it", b.lines())
		if q.lasting.Load() != 0 || len(q.open) != 0 {
			t.Errorf("left over: %v, %v", q.lasting.Load(), q.open)
		}
	})
}

// However many keys strangers make up, memory and log are bounded.
func TestLog_bounded(t *testing.T) {
	bubble(t, func(t *testing.T, q *Log, b *buffer) {
		for i := range 10 * maxKeys {
			q.Often(slog.LevelWarn, fmt.Sprint(i), "no")
		}
		if n := len(b.lines()); n != maxKeys+1 {
			t.Errorf("%d lines, want %d", n, maxKeys+1)
		}
		time.Sleep(Every)
		want(t, "the rest", b.lines(), fmt.Sprintf("msg=no count=%d", 9*maxKeys-1))
	})
}

// What the log's level leaves out is not kept either.
func TestLog_disabled(t *testing.T) {
	bubble(t, func(t *testing.T, q *Log, b *buffer) {
		q.Often(slog.LevelDebug, "a", "no")
		if len(q.open) != 0 {
			t.Error("remembered")
		}
	})
}

// What was counted is told at the end, and nothing comes after it.
func TestLog_Flush(t *testing.T) {
	bubble(t, func(t *testing.T, q *Log, b *buffer) {
		for i := range 3 {
			q.Often(slog.LevelWarn, "a", "no", slog.Int("i", i))
		}
		q.Fails(slog.LevelError, "b", "store")
		b.lines()
		q.Flush()
		want(t, "at the end", b.lines(), "msg=no i=2 count=2")
		time.Sleep(2 * Every)
		want(t, "after it", b.lines())
		if q.lasting.Load() != 0 || len(q.open) != 0 {
			t.Errorf("left over: %v, %v", q.lasting.Load(), q.open)
		}
	})
}
