package serve

import (
	"bytes"
	"log/slog"
	"testing"
)

// A logger that was made before the switch speaks in the new way, with all it was
// given.
func TestLogSwitch(t *testing.T) {
	var out bytes.Buffer
	s := newLogSwitch(slog.NewTextHandler(&out, nil))
	log := slog.New(s).With("component", "test").WithGroup("g").With("a", 1)
	log.Debug("too quiet")
	log.Info("one", "b", 2)
	mustMatch(t, "text", out.String(), `^time=\S+ level=INFO msg=one component=test g.a=1 g.b=2\n$`)
	out.Reset()
	s.set(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log.Debug("two", "b", 3)
	mustMatch(t, "JSON", out.String(), `"msg":"two","component":"test","g":\{"a":1,"b":3\}`)
}
