package sandbox

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// traffic is mail that the sandbox generates, evenly over the month: a number of messages,
// each to a number of recipients. At the start it sends the month's mail up to that time.
type traffic struct {
	*sandbox
	month   int64  // octets
	period  string // the current month
	sent    int64  // messages of this month
	refused bool   // whether the last one was
}

const (
	trafficMessages   = 10
	trafficRecipients = 10
	leastTraffic      = 1_000_000
	mostTraffic       = 5_000_000_000
)

// run sends until the relay stops, at its pace even when mail is refused.
func (t *traffic) run(ctx context.Context) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		for t.due() && ctx.Err() == nil {
			t.send(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.relay.Stopping:
			return
		case <-look.C:
		}
	}
}

// due reports whether the next message of this month should be sent now.
func (t *traffic) due() bool {
	select {
	case <-t.relay.Stopping:
		return false
	default:
	}
	now := t.now().In(t.store.Zone())
	start := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	if key := start.Format("2006-01"); key != t.period {
		t.period, t.sent = key, 0
	}
	gone, whole := now.Sub(start), start.AddDate(0, 1, 0).Sub(start)
	return t.sent < int64(float64(trafficMessages)*gone.Seconds()/whole.Seconds()+0.5)
}

// send sends one message. It reports a refusal once, until a message is accepted again.
func (t *traffic) send(ctx context.Context) {
	t.sent++
	var to []string
	for i := range trafficRecipients {
		to = append(to, fmt.Sprintf("reader%d@list.example", i+1))
	}
	subject := fmt.Sprintf("Letter %d", t.sent)
	_, err := t.submit(ctx, demoSender, to, bulk(subject, t.month/trafficMessages/trafficRecipients))
	switch {
	case err != nil && ctx.Err() == nil && !t.refused:
		t.out.timed(t.stamp(t.now()), "refused: "+err.Error())
	case err == nil && t.refused:
		t.out.timed(t.stamp(t.now()), "mail is accepted again")
	}
	t.refused = err != nil
}

// bulk is a message of about that many octets.
func bulk(subject string, octets int64) string {
	const line = "So many words, and none of them says anything that was not said before.\r\n"
	head := "From: Me <" + demoSender + ">\r\nTo: Readers <readers@list.example>\r\nSubject: " + subject + "\r\n\r\n"
	n := max(1, (octets-int64(len(head)))/int64(len(line)))
	return head + strings.Repeat(line, int(n))
}
