package backup

import (
	"os"
	"path/filepath"

	"relay/cli/config"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/cli/term"
)

// Commands are backup, restore and compact. They run in the command's own process, never
// in a running relay, because they can take minutes.
type Commands struct {
	Env     *shell.Env
	Where   *place.Flags
	Signals func() (c <-chan os.Signal, stop func()) // those that end the program; nil: none
}

// ShelfOf returns the configured shelf; without dir it lies in the data directory.
func ShelfOf(b *config.Backup, data place.Dir) Shelf {
	dir := b.Dir
	if dir == "" {
		dir = filepath.Join(string(data), "backup")
	}
	return Shelf{Dir: dir, Keep: b.Keep, Owner: string(data)}
}

// watch shows progress on standard error.
func (c *Commands) watch(what string) *term.Progress { return term.NewProgress(c.Env.Stderr, what, 0) }
