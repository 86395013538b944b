package logline

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Options of the handler Postfix.
type Options struct {
	Level   slog.Leveler
	Host    string         // name of the machine, in each line
	Zone    *time.Location // of the time in each line, which has neither year nor zone; nil: the system's
	Journal bool           // lines begin with their priority
}

// Postfix is a slog.Handler.
type Postfix struct {
	opt   Options
	pid   string
	attrs []slog.Attr // of the logger
	group string      // before the keys of what comes

	mu *sync.Mutex // of w, for all that WithAttrs and WithGroup made
	w  io.Writer
}

// NewPostfix writes to w.
func NewPostfix(w io.Writer, o Options) *Postfix {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	return &Postfix{opt: o, pid: strconv.Itoa(os.Getpid()), mu: &sync.Mutex{}, w: w}
}

// Enabled implements slog.Handler.
func (h *Postfix) Enabled(_ context.Context, l slog.Level) bool { return l >= h.opt.Level.Level() }

// WithAttrs implements slog.Handler.
func (h *Postfix) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		n.attrs = h.flat(n.attrs, h.group, a)
	}
	return &n
}

// WithGroup implements slog.Handler.
func (h *Postfix) WithGroup(name string) slog.Handler {
	n := *h
	if name != "" {
		n.group += name + "."
	}
	return &n
}

// flat adds an attribute under its full key, a group as its members.
func (h *Postfix) flat(list []slog.Attr, prefix string, a slog.Attr) []slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() != slog.KindGroup {
		if a.Key == "" {
			return list
		}
		return append(list, slog.Attr{Key: prefix + a.Key, Value: a.Value})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range a.Value.Group() {
		list = h.flat(list, prefix, member)
	}
	return list
}

// Handle implements slog.Handler.
func (h *Postfix) Handle(_ context.Context, r slog.Record) error {
	e := &entry{h: h, attrs: slices.Clip(h.attrs), text: r.Message, level: r.Level}
	r.Attrs(func(a slog.Attr) bool {
		e.attrs = h.flat(e.attrs, h.group, a)
		return true
	})
	if h.opt.Journal {
		e.stamp = "<" + string(priority(r.Level)) + ">"
	}
	e.stamp += r.Time.In(h.opt.Zone).Format(time.Stamp) + " " + h.opt.Host + " "
	if shape := shapes[r.Message]; shape != nil {
		shape(e)
	} else {
		e.other()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(e.out)
	return err
}

// entry is a record on its way to become lines.
type entry struct {
	h     *Postfix
	stamp string
	text  string
	level slog.Level
	attrs []slog.Attr
	out   []byte
}

// line adds one of a program of Postfix's, or of ours.
func (e *entry) line(program string, text ...string) {
	e.out = append(e.out, e.stamp...)
	e.out = append(e.out, program...)
	e.out = append(e.out, '[')
	e.out = append(e.out, e.h.pid...)
	e.out = append(e.out, "]: "...)
	for _, t := range text {
		e.out = append(e.out, t...)
	}
	e.out = append(e.out, '\n')
}

// get is an attribute's value; "" when there is none. It is one line.
func (e *entry) get(key string) string {
	if !e.has(key) {
		return ""
	}
	return clean(e.value(key).String())
}

// has reports whether there is an attribute.
func (e *entry) has(key string) bool {
	return slices.ContainsFunc(e.attrs, func(a slog.Attr) bool { return a.Key == key })
}

func (e *entry) value(key string) (v slog.Value) {
	for _, a := range e.attrs {
		if a.Key == key {
			v = a.Value
		}
	}
	return v
}

// other is a line of the relay's own: program, text, and what else there is.
func (e *entry) other() {
	program := "relay/relay"
	var b strings.Builder
	switch {
	case e.level >= slog.LevelError:
		b.WriteString("error: ")
	case e.level >= slog.LevelWarn:
		b.WriteString("warning: ")
	}
	b.WriteString(clean(e.text))
	for _, a := range e.attrs {
		if a.Key == "component" {
			program = "relay/" + clean(a.Value.String())
			continue
		}
		b.WriteString(" " + clean(a.Key) + "=" + quoted(text(a.Value)))
	}
	e.line(program, b.String())
}

func text(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(time.RFC3339)
	}
	return v.String()
}

// quoted is s as it is, or in quotes where it could be taken for more than one
// value.
func quoted(s string) string {
	if s == "" || s != clean(s) || strings.ContainsAny(s, " =\"") {
		return strconv.Quote(s)
	}
	return s
}

// clean keeps a value on its line, as Postfix does, and without what would be seen
// as something else.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
