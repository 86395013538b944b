package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	cli "github.com/urfave/cli/v2"

	"relay/cli/term"
)

// build is what is known about this binary.
type build struct {
	Version  string `json:"version"`  // "devel" when built from a work tree
	Revision string `json:"revision"` // of the source, where known
	Time     string `json:"time"`
	Modified bool   `json:"modified"` // the work tree had changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readBuild() build {
	b := build{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
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
	return b
}

// String is the version for people.
func (b build) String() string {
	s := "relay " + b.Version
	if b.Revision != "" {
		s += " " + b.Revision[:min(12, len(b.Revision))]
		if b.Modified {
			s += "+"
		}
	}
	return fmt.Sprintf("%s (%s, %s)", s, b.Go, b.Platform)
}

func (p *program) versionCommand() *cli.Command {
	return p.here(&cli.Command{Name: "version", Usage: "which relay this is"}, func(context.Context, []string) error {
		b := readBuild()
		if p.json {
			return term.Encode(p.Stdout, b)
		}
		_, err := fmt.Fprintln(p.Stdout, b)
		return err
	})
}
