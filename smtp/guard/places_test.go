package guard

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"relay/smtp/wire"
)

func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces()
		at := func(i int) netip.Prefix { return wire.Site(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})) }
		p.succeeded("acme", at(1))
		if !p.known("acme", at(1)) || p.known("acme", at(2)) || p.known("other", at(1)) {
			t.Error("a place is wrong")
		}
		time.Sleep(placesFor - time.Hour)
		for i := range placesLogin { // more than there is room for: the oldest goes
			p.succeeded("acme", at(100+i))
		}
		if p.known("acme", at(1)) || !p.known("acme", at(100)) {
			t.Error("the wrong address was forgotten")
		}
		time.Sleep(placesFor)
		if p.known("acme", at(100)) {
			t.Error("remembered for too long")
		}
		for i := range placesKept + 5 {
			p.succeeded(fmt.Sprint(i), at(1))
			p.succeeded("busy", at(1))
		}
		if len(p.of) != placesKept || p.order.Len() != placesKept || !p.known("busy", at(1)) || p.known("0", at(1)) {
			t.Errorf("%d, %d logins are remembered", len(p.of), p.order.Len())
		}
	})
}

// What is kept is bounded: who is forgotten in memory is forgotten on disk, and an
// address is known as long as any login has it.
func TestPlaces_bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces()
		at := func(i int) netip.Prefix { return wire.Site(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})) }
		for i := range placesLogin + 5 {
			p.succeeded("acme", at(i))
			p.succeeded("other", at(placesLogin+i))
			time.Sleep(time.Second)
		}
		if n := len(p.sites); n != 2*placesLogin {
			t.Errorf("%d addresses are known", n)
		}
		if p.home(at(0)) || !p.home(at(5)) {
			t.Error("the wrong address was forgotten")
		}
		p.unsaved()
		for i := range placesKept {
			p.succeeded(fmt.Sprint(i), at(0))
		}
		of := p.unsaved()
		if of["acme"] != nil || of["other"] != nil || len(of) != placesKept+2 || len(p.sites) != 1 {
			t.Errorf("%d logins to write, %d addresses known", len(of), len(p.sites))
		}
		if len(p.unsaved()) != 0 {
			t.Error("written twice")
		}
		p.unwritten(of)
		if len(p.unsaved()) != len(of) {
			t.Error("what could not be written is lost")
		}
	})
}
