package backmail

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDialogues plays testdata/dialogue/*.txt. The first line of a file says what it
// proves; then, a line each:
//
//	@ key value  set-up: max, errors, connections, pace, from
//	C: text      the client sends text and CRLF; <tls>, <close>, <wait 1m> act, TOKEN
//	             stands for that of ann@example.net
//	C= "text"    the client sends exactly this, written as a Go string
//	S: text      the server says this line; * at the end stands for anything, <close> is
//	             the end of the connection
//	S~ text      one of the lines of the server's next reply
//	S! text      none of them begins so
//	Q: a b       mail to these waits to go out, and no other
//	A: n         so many e-mails were answered
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/dialogue/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
			if !strings.HasPrefix(lines[0], "# ") {
				t.Fatal("the first line does not say what is proved")
			}
			synctest.Test(t, func(t *testing.T) { play(t, file, lines[1:]) })
		})
	}
}

func play(t *testing.T, file string, lines []string) {
	cfg, from := Config{}, "192.0.2.1"
	var w *world
	var c *client
	defer func() {
		if w != nil {
			_ = c.conn.Close()
			w.stop()
		}
	}()
	for i, line := range lines {
		at := fmt.Sprintf("%s:%d", file, i+2)
		op, arg, _ := strings.Cut(line, " ")
		switch {
		case line == "" || op == "#":
			continue
		case op == "@":
			set(t, &cfg, &from, arg)
			continue
		case w == nil:
			w = begin(t, cfg)
			c = w.dial(from)
		}
		step(t, w, c, at, op, strings.ReplaceAll(arg, "TOKEN", w.token()))
	}
}

func set(t *testing.T, cfg *Config, from *string, arg string) {
	key, value, _ := strings.Cut(arg, " ")
	n, _ := strconv.Atoi(value)
	switch key {
	case "max":
		cfg.MaxMessage = int64(n)
	case "errors":
		cfg.Errors = n
	case "connections":
		cfg.ConnectionsPerAddress = n
	case "pace":
		cfg.MessagesPerMinute = n
	case "from":
		*from = value
	default:
		t.Fatalf("unknown setting %q", key)
	}
}

func step(t *testing.T, w *world, c *client, at, op, arg string) {
	switch op {
	case "C:":
		switch {
		case arg == "<tls>":
			c.tls()
		case arg == "<close>":
			_ = c.conn.Close()
		case strings.HasPrefix(arg, "<wait "):
			d, err := time.ParseDuration(strings.TrimSuffix(arg[6:], ">"))
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			time.Sleep(d) // of the bubble's clock
		default:
			c.send(arg + "\r\n")
		}
	case "C=":
		text, err := strconv.Unquote(arg)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		c.send(text)
	case "S:":
		got := c.line()
		if want, open := strings.CutSuffix(arg, "*"); got != want && !(open && strings.HasPrefix(got, want)) {
			t.Fatalf("%s: server says %q, want %q", at, got, arg)
		}
	case "S~", "S!":
		found := false
		for {
			s := c.line()
			found = found || s == arg || op == "S!" && strings.HasPrefix(s[min(len(s), 4):], arg)
			if len(s) < 4 || s[3] != '-' {
				break
			}
		}
		if found != (op == "S~") {
			t.Fatalf("%s: %q in the reply: %v", at, arg, found)
		}
	case "Q:":
		synctest.Wait()
		if got := strings.Join(w.queued(), " "); got != arg {
			t.Errorf("%s: queued for %q, want %q", at, got, arg)
		}
	case "A:":
		if fmt.Sprint(len(w.asked)) != arg {
			t.Errorf("%s: answered %q", at, w.asked)
		}
	default:
		t.Fatalf("%s: unknown line %q", at, op)
	}
}
