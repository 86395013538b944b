package serve

import (
	"errors"
	"strings"
	"testing"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/report/api/act"
)

// A file that is gone, perhaps for the moment in which it is replaced, is no wish
// for the defaults.
func TestReload_theFileIsGone(t *testing.T) {
	w := newWatched(t)
	defer w.store.Close()
	var err error
	if w.cfg, err = config.Read(config.SystemFile, nil); err != nil {
		t.Fatal(err)
	}
	w.Reread = func() (config.Config, error) { return config.Default(), nil }
	_, err = w.reload()
	if f, ok := errors.AsType[*exit.Error](err); !ok || f.Code != exit.Config || !strings.Contains(err.Error(), config.SystemFile) {
		t.Errorf("reload = %v, want exit code %d and the file's name", err, exit.Config)
	}
}

// While the relay stops nothing is taken over, and the service manager is not told
// that it is ready.
func TestReload_whileItStops(t *testing.T) {
	w := newWatched(t)
	defer w.store.Close()
	w.Reread = func() (config.Config, error) { return config.Default(), nil }
	close(w.Stopping)
	if _, err := w.reload(); !errors.Is(err, act.ErrStopping) {
		t.Errorf("reload = %v, want %v", err, act.ErrStopping)
	}
	if heard := w.sup.lines(); len(heard) > 0 {
		t.Errorf("told %q", heard)
	}
}
