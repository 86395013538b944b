package client

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestReplyReader_read(t *testing.T) {
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name, in, want string
		err            error
	}{
		{"simple", "250 ok\r\n", "250 ok", nil},
		{"code only", "250\r\n", "250", nil},
		{"code and space", "250 \r\n", "250", nil},
		{"LF alone", "250 ok\n", "250 ok", nil},
		{"enhanced", "550 5.1.1 no such user\r\n", "550 5.1.1 no such user", nil},
		{"enhanced only", "250 2.0.0\r\n", "250 2.0.0", nil},
		{"enhanced on each line", "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n", "550 5.7.1 one two three", nil},
		{"enhanced on the last line", "550-one\r\n550 5.7.1 two\r\n", "550 5.7.1 one two", nil},
		{"enhanced of another class", "550 4.2.2 full\r\n", "550 5.2.2 full", nil},
		{"enhanced of success", "451 2.0.0 later\r\n", "451 4.0.0 later", nil},
		{"not enhanced: version", "220 5.1.1-ubuntu ready\r\n", "220 5.1.1-ubuntu ready", nil},
		{"not enhanced: four digits", "550 5.1234.1 x\r\n", "550 5.1234.1 x", nil},
		{"not enhanced: address", "550 5.1.1.1 is listed\r\n", "550 5.1.1.1 is listed", nil},
		{"empty first line", "250-\r\n250 ok\r\n", "250 ok", nil},
		{"bare codes", "250-\r\n250\r\n", "250", nil},
		{"stray lines inside", "220-hello\r\n  no spam here\r\n220 ready\r\n", "220 hello no spam here ready", nil},
		{"empty line inside", "220-hello\r\n\r\n220 ready\r\n", "220 hello ready", nil},
		{"another code of the class", "550-one\r\n554 two\r\n", "554 one two", nil},
		{"another class", "250-one\r\n550 two\r\n", "550 one two", nil},
		{"another class: taken after all", "450-4.2.0 wait\r\n250 2.0.0 ok\r\n", "250 2.0.0 wait ok", nil},
		{"another class: not taken after all", "250-2.0.0 ok\r\n450 no\r\n", "450 ok no", nil},
		{"another class: reason in an inner line", "250-hello\r\n554-5.7.1 listed\r\n554 see https://example.test\r\n", "554 5.7.1 hello listed see", nil},
		{"another class: three", "354-x\r\n250-y\r\n451 4.3.0 z\r\n", "451 4.3.0 x y z", nil},
		{"tab", "250\tok\r\n", "250 ok", nil},
		{"not a code", "2500 ok\r\n", "", ErrProtocol},
		{"code of no class", "650 ok\r\n", "", ErrProtocol},
		{"words", "HTTP/1.1 400 Bad Request\r\n", "", ErrProtocol},
		{"empty", "\r\n", "", ErrProtocol},
		{"control characters", "550 a\x00b\x1b[31m\tc  d\r\n", "550 a b [31m c d", nil},
		{"not UTF-8", "550 caf\xe9\r\n", "550 caf?", nil},
		{"UTF-8", "550 café\r\n", "550 café", nil},
		{"long line", "550 5.1.1 " + long + "\r\n", "550 5.1.1 ", nil},
		{"long first line, more after", "550-" + long + "\r\n550 x\r\n", "550", nil},
		{"100 lines", strings.Repeat("250-x\r\n", 99) + "250 x\r\n", "250 " + strings.TrimSpace(strings.Repeat("x ", 100)), nil},
		{"101 lines", strings.Repeat("250-x\r\n", 100) + "250 x\r\n", "", ErrReplyLength},
		{"above 64 KiB", "250 " + strings.Repeat("x", 64<<10) + "\r\n", "", ErrReplyLength},
		{"above 64 KiB in lines", strings.Repeat("250-"+strings.Repeat("x", 1000)+"\r\n", 70), "", ErrReplyLength},
		{"no end of line", "250 ok", "", io.ErrUnexpectedEOF},
		{"no last line", "250-ok\r\n", "", io.ErrUnexpectedEOF},
		{"nothing", "", "", io.EOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				p := replyReader{br: bufio.NewReaderSize(r, 4096)}
				got, err := p.read(true, nil)
				if !errors.Is(err, tt.err) || !strings.HasPrefix(got.String(), tt.want) && tt.err == nil {
					t.Errorf("read = %v, %v, want %v, %v", got, err, tt.want, tt.err)
				}
				if len(got.Text) > maxReplyText {
					t.Errorf("text has %d octets", len(got.Text))
				}
			}
		})
	}
}

// Whether a reply's text is wanted shows with its last line.
func TestReplyReader_read_mixedText(t *testing.T) {
	p := replyReader{br: bufio.NewReader(strings.NewReader("250-a\r\n450 b\r\n450-a\r\n250 b\r\n"))}
	for _, want := range []string{"450 a b", "250"} {
		if r, err := p.read(false, nil); err != nil || r.String() != want {
			t.Errorf("read = %v, %v, want %s", r, err, want)
		}
	}
}

func TestReplyReader_read_leavesTheNext(t *testing.T) {
	p := replyReader{br: bufio.NewReader(strings.NewReader("250-a\r\n250 b\r\n354 c\r\n"))}
	for _, want := range []string{"250 a b", "354 c"} {
		if r, err := p.read(true, nil); err != nil || r.String() != want {
			t.Errorf("read = %v, %v, want %s", r, err, want)
		}
	}
}

func TestReply(t *testing.T) {
	for _, tt := range []struct {
		r                               Reply
		status                          string
		delivered, temporary, permanent bool
	}{
		{Reply{Code: 250}, "2.0.0", true, false, false},
		{Reply{Code: 421, Enhanced: [3]int{4, 7, 28}}, "4.7.28", false, true, false},
		{Reply{Code: 554}, "5.0.0", false, false, true},
	} {
		if tt.r.Status() != tt.status || tt.r.Delivered() != tt.delivered || tt.r.Temporary() != tt.temporary || tt.r.Permanent() != tt.permanent {
			t.Errorf("%v: %s %v %v %v", tt.r, tt.r.Status(), tt.r.Delivered(), tt.r.Temporary(), tt.r.Permanent())
		}
	}
}

func FuzzReplyReader(f *testing.F) {
	for _, s := range []string{"250 ok\r\n", "250-a\r\n250 2.0.0 b\r\n", "550-5.1.1 x\n550 5.1.1 y\n", "220-a\r\n b\r\n220 c\r\n", "250-\r\n250\r\n", "421\r\n", "550 \xff\x00\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := replyReader{br: bufio.NewReaderSize(strings.NewReader(string(b)), 4096)}
		r, err := whole.read(true, nil)
		pieces := replyReader{br: bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(string(b))), 4096)}
		if r2, err2 := pieces.read(true, nil); r2 != r || !errors.Is(err2, err) {
			t.Fatalf("whole %v, %v; in pieces %v, %v", r, err, r2, err2)
		}
		if err != nil {
			if r != (Reply{}) {
				t.Fatalf("%v with %v", r, err)
			}
			return
		}
		if r.Code < 200 || r.Code > 599 || r.Enhanced[0] != 0 && r.Enhanced[0] != r.Code/100 {
			t.Fatalf("%+v", r)
		}
		if len(r.Text) > maxReplyText || !utf8.ValidString(r.Text) || strings.ContainsAny(r.Text, "\r\n\x00\x7f") {
			t.Fatalf("text %q", r.Text)
		}
	})
}
