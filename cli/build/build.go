// Package build says which relay this binary is, from what the go command wrote into it.
//
// A binary of "go build" in a work tree has the revision beside it; one of "go install
// relay@VERSION" has a version, which for a revision without a tag names that revision
// (https://go.dev/ref/mod#pseudo-versions).
package build

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Build describes a binary.
type Build struct {
	Version  string `json:"version"`  // "devel" when built from a work tree
	Revision string `json:"revision"` // of the source, where known
	Time     string `json:"time"`
	Modified bool   `json:"modified"` // the work tree had changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Read describes this binary.
func Read() Build {
	b := Build{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.fill(info)
	}
	return b
}

func (b *Build) fill(info *debug.BuildInfo) {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version, b.Modified = strings.CutSuffix(v, "+dirty")
		b.pseudo()
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
}

// pseudoVersion ends with the time and the beginning of a revision.
var pseudoVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-(?:.*\.)?([0-9]{14})-([0-9a-f]{12})$`)

// pseudo takes time and revision out of the version.
func (b *Build) pseudo() {
	m := pseudoVersion.FindStringSubmatch(b.Version)
	if m == nil {
		return
	}
	if at, err := time.Parse("20060102150405", m[1]); err == nil {
		b.Time = at.Format(time.RFC3339)
	}
	b.Revision = m[2]
}

// String is the version for people. A revision that the version names is not repeated.
func (b Build) String() string {
	s := "relay " + b.Version
	if short := b.Revision[:min(12, len(b.Revision))]; !strings.HasSuffix(b.Version, short) {
		s += " " + short
	}
	if b.Modified {
		s += "+"
	}
	return fmt.Sprintf("%s (%s, %s)", s, b.Go, b.Platform)
}
