package access

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/room"
	"relay/store/room/roomtest"
)

func TestNetworkText(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.1/32": "192.0.2.1", "192.0.2.0/24": "192.0.2.0/24", "2001:db8:1::/48": "2001:db8:1::/48"} {
		if got := NetworkText(netip.MustParsePrefix(in)); got != want {
			t.Errorf("NetworkText(%s) = %q, want %q", in, got, want)
		}
	}
}

// Whatever is used and in whichever order it is written, what is kept is bounded and in order, the
// newest is in it, and it is stored as it is.
func TestUses_add(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var is Uses
		var newest Use
		now := roomtest.Begin
		for range rapid.IntRange(1, 150).Draw(t, "uses") {
			now = now.Add(time.Duration(rapid.OneOf(rapid.Just(0), rapid.IntRange(-3600, 48*3600), rapid.Just(int(keptFor/time.Second/2))).Draw(t, "seconds")) * time.Second)
			address := fmt.Sprintf("10.0.%d.%d/32", rapid.IntRange(0, 40).Draw(t, "network"), rapid.IntRange(0, 6).Draw(t, "address"))
			u := Use{From: netip.MustParsePrefix(address), Last: now, Count: int64(rapid.IntRange(1, 3).Draw(t, "count"))}
			is.add(&u, rome)
			if !u.Last.Before(newest.Last) {
				newest = u
			}
		}
		if n := is.find(networkOf(newest.From)); n == nil || !n.Last.Equal(newest.Last) || !slices.ContainsFunc(n.Addresses, func(a AddressUse) bool { return a.Address == newest.From }) {
			t.Fatalf("the newest is %+v, and %+v is kept", newest, n)
		}
		isBounded(t, &is, rome)
		raw, err := json.Marshal(&is)
		var again Uses
		if err := json.Unmarshal(raw, &again); err != nil || !reflect.DeepEqual(again, is) {
			t.Errorf("read again %+v, %v, want %+v", again, err, is)
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func isBounded(t *rapid.T, is *Uses, zone *time.Location) {
	newest := func(a, b NetworkUse) int { return b.Last.Compare(a.Last) }
	if len(is.Networks) > mostNetworks || !slices.IsSortedFunc(is.Networks, newest) {
		t.Errorf("%d networks, or not in order", len(is.Networks))
	}
	networks := map[netip.Prefix]bool{}
	for _, n := range is.Networks {
		if networks[n.Network] || is.Networks[0].Last.Sub(n.Last) > keptFor {
			t.Errorf("twice, or too old: %+v", n)
		}
		networks[n.Network] = true
		last := func(a, b AddressUse) int { return b.Last.Compare(a.Last) }
		if len(n.Addresses) > mostAddresses || !slices.IsSortedFunc(n.Addresses, last) {
			t.Errorf("%d addresses, or not in order", len(n.Addresses))
		}
		count, addresses := int64(0), map[netip.Prefix]bool{}
		for _, a := range n.Addresses {
			count += a.Count
			if addresses[a.Address] || networkOf(a.Address) != n.Network || !a.Before.IsZero() && room.Day(a.Before, zone) >= room.Day(a.Last, zone) {
				t.Errorf("twice, of another network, or without an earlier day: %+v in %s", a, n.Network)
			}
			addresses[a.Address] = true
		}
		if count > n.Count {
			t.Errorf("%d at addresses, %d in all", count, n.Count)
		}
	}
}
