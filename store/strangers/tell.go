package strangers

import (
	"time"

	"relay/store/news"
	"relay/store/room"
)

const (
	TellAfter = 5 * time.Minute // what comes in within it is told together
	tellAgain = 24 * time.Hour  // at the earliest
)

// tellWait stores the news that first sendings wait until the day after tomorrow or longer, unless
// that was told already. It is told some minutes later.
func (s *Strangers) tellWait(t *room.Tx, account string, rec *Record, last int) error {
	if last < rec.Today.Number+2 || last <= rec.ToldDay || t.Wall.Sub(rec.Told) < tellAgain && !t.Wall.Before(rec.Told) {
		return nil
	}
	return s.o.Tell(t, news.Item{Kind: news.Waits, Account: account, Due: t.Wall.Add(TellAfter)})
}
