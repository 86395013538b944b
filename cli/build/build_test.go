package build

import (
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	const rev = "0123456789abcdef0123456789abcdef01234567"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: rev}, {Key: "vcs.time", Value: "2026-11-29T12:00:00Z"}, {Key: "vcs.modified", Value: modified}}
	}
	const pseudo = "v0.0.0-20261129120000-0123456789ab"
	for _, c := range []struct {
		name, version string
		settings      []debug.BuildSetting
		want, time    string
	}{
		{"a work tree", "(devel)", vcs("false"), "relay devel 0123456789ab (go, os)", "2026-11-29T12:00:00Z"},
		{"a work tree with changes", "(devel)", vcs("true"), "relay devel 0123456789ab+ (go, os)", "2026-11-29T12:00:00Z"},
		{"a work tree without its history", "(devel)", nil, "relay devel (go, os)", ""},
		{"no module", "", nil, "relay devel (go, os)", ""},
		{"go install of a version", "v1.4.0", nil, "relay v1.4.0 (go, os)", ""},
		{"go install of a revision", pseudo, nil, "relay " + pseudo + " (go, os)", "2026-11-29T12:00:00Z"},
		{"go install of a revision after a version", "v1.4.1-0.20261129120000-0123456789ab", nil, "relay v1.4.1-0.20261129120000-0123456789ab (go, os)", "2026-11-29T12:00:00Z"},
		{"go install in a work tree", pseudo, vcs("false"), "relay " + pseudo + " (go, os)", "2026-11-29T12:00:00Z"},
		{"go install in a work tree with changes", pseudo + "+dirty", vcs("true"), "relay " + pseudo + "+ (go, os)", "2026-11-29T12:00:00Z"},
		{"a tag with its history", "v1.4.0", vcs("false"), "relay v1.4.0 0123456789ab (go, os)", "2026-11-29T12:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := Build{Version: "devel", Go: "go", Platform: "os"}
			b.fill(&debug.BuildInfo{Main: debug.Module{Version: c.version}, Settings: c.settings})
			if b.String() != c.want || b.Time != c.time {
				t.Errorf("%q of %q, want %q of %q", b, b.Time, c.want, c.time)
			}
		})
	}
}

func TestRead(t *testing.T) {
	if b := Read(); b.Version == "" || b.Go == "" || b.Platform == "" {
		t.Errorf("%+v", b)
	}
}
