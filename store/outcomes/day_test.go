package outcomes

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"relay/store/spooled"
)

// A day has room for some providers by name, and no limit of mail.
func TestDay_count(t *testing.T) {
	var c Day
	for i := range 3 * mostProviders {
		c.count(Fate{spooled.Queued, spooled.Deferred, "", fmt.Sprint(i % 30)})
		c.count(Fate{spooled.Deferred, spooled.Deferred, "", fmt.Sprint(i % 30)})
		c.count(Fate{spooled.Deferred, spooled.Delivered, "", fmt.Sprint(i % 30)})
	}
	d := c.Sum()
	if d.Delivered != 60 || d.Deferred != 60 || len(d.Providers) != mostProviders+1 || d.Providers["3"] != (Provider{2, 2, 0}) || d.Providers[OtherProviders] != (Provider{20, 20, 0}) {
		t.Errorf("%+v", d)
	}
}

// What was written is read, and what is read is what would be written.
func FuzzDay(f *testing.F) {
	var c Day
	f.Add(c.append(nil))
	c.count(Fate{spooled.Queued, spooled.Failed, "SpamBlock", "Google"})
	c.count(Fate{spooled.Queued, spooled.Expired, "", "any other"})
	f.Add(c.append(nil))
	f.Add([]byte{1, 2, 0xff, 0xff, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var c, again Day
		if c.read(raw) != nil {
			return
		}
		if err := again.read(c.append(nil)); err != nil || !reflect.DeepEqual(c.Sum(), again.Sum()) || !bytes.Equal(again.append(nil), c.append(nil)) {
			t.Errorf("%q is read as %+v, again as %+v, %v", raw, c, again, err)
		}
	})
}
