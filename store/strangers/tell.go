package strangers

import (
	"time"

	"relay/store/news"
	"relay/store/room"
)

const (
	// tellAfter is how long such news waits, so that mail that comes in meanwhile is told of with it.
	tellAfter = 5 * time.Minute
	// tellAgain is how long an account is not told again.
	tellAgain = 24 * time.Hour
)

// tellWait stores the news that first sendings wait, if last, the day of the last of them, is the day
// after tomorrow or later and was not told yet.
func (s *Strangers) tellWait(t *room.Tx, account string, rec *Record, last int) error {
	if last < rec.Today.Number+2 || last <= rec.ToldDay || t.Wall.Sub(rec.Told) < tellAgain && !t.Wall.Before(rec.Told) {
		return nil
	}
	return s.o.Tell(t, news.Item{Kind: news.Waits, Account: account, Due: t.Wall.Add(tellAfter)})
}
