package client

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// Content goes by BDAT only when it is as long as the envelope says, in lines that end
// in CRLF, and not too large; otherwise by DATA, where each of these is seen to.
func TestClient_Deliver_chunk(t *testing.T) {
	const (
		begin = "FLIGHT RCPT TO:<b@y.example>\nC: MAIL FROM:<a@x.example>\nC: RCPT TO:<b@y.example>\nS: 250 ok\nS: 250 ok\n"
		chunk = begin + "C: BDAT 5 LAST\nC: abc\nS: 250 taken\nC: QUIT"
		data  = begin + "FLIGHT DATA\nC: DATA\nS: 354 go\n"
		taken = "C: .\nS: 250 taken\nC: QUIT"
		three = "FLIGHT DATA\nC: MAIL FROM:<a@x.example>\nC: RCPT TO:<b@y.example>\nC: DATA\nS: 250 ok\n"
	)
	large := strings.Repeat("x", 998) + "\r\n"
	large = strings.Repeat(large, maxChunk/len(large)+1)
	for _, tt := range []struct {
		name    string
		size    int64
		content string
		script  string
		want    string
	}{
		{"as it should be", 5, "abc\r\n", chunk, "end 250 taken"},
		{"dots are not doubled", 5, ".bc\r\n", strings.Replace(chunk, "abc", ".bc", 1), "end 250 taken"},
		{"8-bit", 5, "\xe4bc\r\n", strings.Replace(chunk, "abc", "\xe4bc", 1), "end 250 taken"},
		{"too short", 8, "abc\r\n", data + "C: abc\n" + taken, "end 250 taken"},
		{"too long", 3, "abc\r\nd\r\n", data + "C: abc\nC: d\n" + taken, "end 250 taken"},
		{"no CRLF at the end", 5, "ab\r\nc", data + "C: ab\nC: c\n" + taken, "end 250 taken"},
		{"LF alone", 5, ".a\nc\n", data + "C: ..a\nC: c\n" + taken, "end 250 taken"},
		{"CR alone", 5, "a\rc\r\n", data, "local content 554 5.6.0 the message has a bare CR and cannot be sent"},
		{"DATA refused after all", 8, "abc\r\n", begin + "C: DATA\nS: 451 4.3.0 no\nC: QUIT", "DATA 451 4.3.0 no"},
		{"too large", int64(len(large)), large, three + "S: 550 no\nS: 503 no\nC: QUIT", "RCPT 550 no"},
		{"of unknown length", 0, "abc\r\n", three + "S: 250 ok\nS: 354 go\nC: abc\n" + taken, "end 250 taken"},
		{"refused", 5, "abc\r\n", strings.Replace(chunk, "250 taken", "552 5.2.2 full", 1), "end 552 5.2.2 full"},
		{"cut off", 5, "abc\r\n", begin + "C: BDAT 5 LAST\nCLOSE", "local end 451 4.4.2 end: connection closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, hello("PIPELINING", "CHUNKING", "8BITMIME")+tt.script, func(conn net.Conn) {
				c := open(t, conn)
				e := envelope("b@y.example")
				e.Size = tt.size
				wantOutcomes(t, c.Deliver(e, strings.NewReader(tt.content)), tt.want)
				_ = c.Quit()
			})
		})
	}
	t.Run("cannot be read", func(t *testing.T) {
		play(t, hello("PIPELINING", "CHUNKING")+begin, func(conn net.Conn) {
			e := envelope("b@y.example")
			e.Size = 5
			r := open(t, conn).Deliver(e, io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(errors.New("disk"))))
			wantOutcomes(t, r, "local content 451 4.3.0 local error")
			if !errors.Is(r.Err, ErrContent) || r.Uncertain {
				t.Errorf("Deliver = %+v", r)
			}
		})
	})
	t.Run("not with OneByOne", func(t *testing.T) {
		play(t, hello("PIPELINING", "CHUNKING"), func(conn net.Conn) {
			c, err := New(conn, Options{Hostname: "relay.example", OneByOne: true})
			if err != nil || c.Extensions().Chunking || c.Extensions().Pipelining {
				t.Errorf("%+v, %v", c.Extensions(), err)
			}
		})
	})
}
