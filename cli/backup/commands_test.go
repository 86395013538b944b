package backup

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"relay/cli/place"
	"relay/cli/shell"
	"relay/report/api/host"
	"relay/store"
)

// A signal ends a command, which removes its unfinished files.
func TestCommands_backup_interrupted(t *testing.T) {
	data := t.TempDir()
	st, err := store.Open(place.Dir(data).Store(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGINT
	c := &Commands{
		Env:     &shell.Env{Stdout: io.Discard, Stderr: io.Discard, Service: serviceOn(st)},
		Where:   &place.Flags{Data: data, Getenv: func(name string) string { return map[string]string{"RELAY_CONFIG": os.DevNull}[name] }},
		Signals: func() (<-chan os.Signal, func()) { return signals, func() {} },
	}
	ctx, stop := shell.UntilSignal(t.Context(), c.Signals)
	defer stop()
	<-ctx.Done()
	dir := t.TempDir()
	if err := c.backupToFile(ctx, filepath.Join(dir, "copy.db"), false); err == nil {
		t.Error("an interrupted backup is done")
	}
	if list, err := os.ReadDir(dir); len(list) > 0 || err != nil {
		t.Errorf("left over: %v, %v", list, err)
	}
}

func TestCompactionPays(t *testing.T) {
	const mb = 1_000_000
	for _, c := range []struct {
		file, free int64
		want       bool
	}{
		{0, 0, false},
		{300 * mb, 256 * mb, false},
		{300 * mb, 257 * mb, true},
		{2000 * mb, 900 * mb, false},
		{2000 * mb, 1100 * mb, true},
	} {
		if got := host.CompactionPays(c.file, c.free); got != c.want {
			t.Errorf("CompactionPays(%d MB, %d MB) = %v", c.file/mb, c.free/mb, got)
		}
	}
}
