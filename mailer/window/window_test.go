package window

import (
	"fmt"
	"sync/atomic"
	"testing"

	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/source"
	"relay/store/spooled"
)

// fill lets an account have as many lanes at a site as there is room for.
func (w *Window) fill(t *site.Site, account string) (n int) {
	for w.Room(t, account) {
		l := &site.Lane{Lane: spooled.Lane{Account: account, Domain: fmt.Sprintf("d%d.%p.test", n, t)}}
		w.Add(l)
		if t == nil {
			w.AwaitRoute(l)
		} else {
			t.Join(l)
			w.Joined(t)
		}
		n++
	}
	return n
}

func newWindow(size int) *Window {
	var cfg atomic.Pointer[settings.Config]
	cfg.Store(&settings.Config{Window: size})
	return New(&cfg)
}

func newSite() *site.Site { return site.New(&site.Place{}, site.NewOrigin(&source.Source{})) }

// Neither an account nor a site fills the window, and a few are always allowed.
func TestWindow_Room(t *testing.T) {
	const size = 400
	w, crowd := newWindow(size), newSite()
	if n := w.fill(crowd, "one"); n < size/4 || n > size/2 {
		t.Errorf("an account has %d of %d lanes at one site", n, size)
	}
	for i := range 20 {
		w.fill(newSite(), "one")
		w.fill(crowd, fmt.Sprint("many", i))
	}
	if w.Crammed() || w.Shares() != w.Len() {
		t.Errorf("%d lanes of %d, %d by account", w.Len(), size, w.Shares())
	}
	if n := w.fill(newSite(), "small"); n < few {
		t.Errorf("another account has room for %d lanes, want %d at least", n, few)
	}
	if n := w.fill(nil, "unrouted"); n < few {
		t.Errorf("look-ups have room for %d lanes, want %d at least", n, few)
	}
}

// Lanes that wait for a ceiling take no place of others, and are bounded themselves.
func TestWindow_Rest(t *testing.T) {
	const size = 100
	w, slow := newWindow(size), newSite()
	w.fill(slow, "one")
	w.Rest(slow, true)
	if w.resting != slow.Lanes || w.Crammed() {
		t.Errorf("%d lanes rest, want %d", w.resting, slow.Lanes)
	}
	for i := range 100 {
		w.fill(slow, fmt.Sprint("many", i))
	}
	if n := w.Len(); n > (restingWindows+1)*size {
		t.Errorf("%d lanes rest", n)
	}
	w.Rest(slow, false)
	if w.resting != 0 || !w.Crammed() {
		t.Errorf("%d lanes rest, crammed %v", w.resting, w.Crammed())
	}
}
