package eventlog_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"

	"relay/store/eventlog"
)

// A line is what slog would write, to the octet.
func TestWrite(t *testing.T) {
	attrs := []slog.Attr{slog.String("spool_id", "01 A"), slog.Int("code", 250), slog.Bool("local", false), slog.String("reply", "ok\nok"), slog.Any("err", io.EOF), slog.String("to", "")}
	handlers := map[string]func(w io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	}
	for name, handler := range handlers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var is, want bytes.Buffer
				for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError} {
					eventlog.Write(slog.New(handler(&is)).With("component", "smtp"), level, "message accepted", attrs...)
					slog.New(handler(&want)).With("component", "smtp").LogAttrs(context.Background(), level, "message accepted", attrs...)
				}
				if is.String() != want.String() || want.Len() == 0 {
					t.Errorf("%s, want %s", &is, &want)
				}
			})
		})
	}
}

// BenchmarkWrite compares a line with slog's.
func BenchmarkWrite(b *testing.B) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil)).With("component", "mailer")
	a := []slog.Attr{slog.String("spool_id", "01M844DZG0V63QXKKD6TS75E5H"), slog.String("account", "acme"), slog.String("from", "me@acme.example"), slog.Int("code", 250)}
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			eventlog.Write(log, slog.LevelInfo, "message delivered", a...)
		}
	})
	b.Run("slog", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			log.LogAttrs(context.Background(), slog.LevelInfo, "message delivered", a...)
		}
	})
}
