package content

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkContent is the one pass over a message, with nowhere to put it.
func BenchmarkContent(b *testing.B) {
	for _, size := range []int{2_000, 10_000, 1_000_000} {
		text := sample(size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				p := Submit(io.Discard, Options{Dots: true, Max: 1 << 40, Host: "relay.example", With: "ESMTP", ID: "X", MaxHeader: 1 << 20})
				r := strings.NewReader(text)
				for done := false; !done; {
					n, err := r.Read(p.Space())
					if err != nil {
						b.Fatal(err)
					}
					done = p.Filled(n)
				}
				if err := p.Finish(); err != nil {
					b.Fatal(err)
				}
				p.Free()
			}
		})
	}
}

// sample is a message of about n octets with lines of 76.
func sample(n int) string {
	head := "From: a@b.example\r\nTo: c@d.example\r\nSubject: sample\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <x@b.example>\r\n\r\n"
	line := strings.Repeat("0123456789abcdef", 5)[:76] + "\r\n"
	return head + strings.Repeat(line, max(0, n-len(head))/len(line)) + ".\r\n"
}
