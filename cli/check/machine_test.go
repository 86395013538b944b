package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relay/cli/config"
	"relay/cli/place"
	"relay/report/api/act"
)

func TestHardware_descriptors(t *testing.T) {
	for _, c := range []struct {
		name                 string
		incoming, deliveries int
		relay                process
		want                 string
	}{
		{"too few", 1_000_000_000, 500, process{}, `^warning open files: started here it may have \d+, as many .* → set LimitNOFILE=1000000600 in the unit`},
		{"enough", 1, 1, process{}, `^ok open files: .* at most 102 are needed`},
		{"not to be read", 1, 1, process{health: &act.Health{PID: 1 << 30}}, `^warning open files: cannot tell: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := hardware{newLook(t, func(cfg *config.Config) {
				cfg.Limits.Connections, cfg.Delivery.Connections = c.incoming, c.deliveries
			}), &c.relay}
			h.descriptors()
			h.match(t, c.want)
		})
	}
}

func TestHardware_disk(t *testing.T) {
	h := hardware{look: newLook(t, nil)}
	h.dir = place.Dir(filepath.Join(string(h.dir), "not", "there"))
	h.disk()
	h.diskSpeed()
	h.match(t, `^\S+ disk: .* free of .* → `)
	if strings.Contains(h.text(), "speed") {
		t.Errorf("a speed was measured nowhere: %s", h.text())
	}
	h = hardware{look: newLook(t, nil)}
	h.diskSpeed()
	h.match(t, `disk speed: \d+\.\d ms to make a small write last`)
	if left, err := os.ReadDir(string(h.dir)); len(left) > 0 || err != nil {
		t.Errorf("left over: %v, %v", left, err)
	}
}
