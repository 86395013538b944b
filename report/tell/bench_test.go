package tell

import (
	"testing"

	"relay/store/news"
	"relay/store/spooled"
)

// What a mail costs to write: one with a chart, the month's with its files, and one of words.
func BenchmarkWriter_Write(b *testing.B) {
	for _, kind := range []news.Kind{news.Usage, news.Month, news.Reached} {
		b.Run(string(kind), func(b *testing.B) {
			w, told := rossi(), Sample(kind, noon, rome)
			b.ReportAllocs()
			for b.Loop() {
				mails, err := w.Write(told, spooled.ID{})
				if err != nil || len(mails) != 1 {
					b.Fatalf("%d mails, %v", len(mails), err)
				}
			}
		})
	}
}
