package sink

import (
	"fmt"
	"strings"
	"sync"

	gosmtp "github.com/emersion/go-smtp"
)

// trouble refuses mail by the beginning of the local part, to show everything that can
// happen to mail:
//
//	bounce  refused for good, 550
//	defer   deferred every time, 451
//	later   deferred once and then accepted, as greylisting does
type trouble struct {
	mu   sync.Mutex
	seen map[[2]string]struct{} // sender and recipient deferred once
}

const maxSeen = 10_000

// reply is nil for an address that asks for no trouble.
func (t *trouble) reply(from, to string) *gosmtp.SMTPError {
	local := strings.ToLower(strings.TrimPrefix(to, `"`))
	switch {
	case strings.HasPrefix(local, "bounce"):
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user here"}
	case strings.HasPrefix(local, "defer"):
		return &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 2, 1}, Message: "mailbox busy, try again"}
	case strings.HasPrefix(local, "later") && t.first(from, to):
		return &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 7, 1}, Message: "greylisted, try again"}
	}
	return nil
}

// first is true every second time for the same sender and recipient.
func (t *trouble) first(from, to string) bool {
	key := [2]string{from, to}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, again := t.seen[key]; again {
		delete(t.seen, key)
		return false
	}
	if t.seen == nil || len(t.seen) >= maxSeen {
		t.seen = map[[2]string]struct{}{}
	}
	t.seen[key] = struct{}{}
	return true
}

func replyText(e *gosmtp.SMTPError) string {
	c := e.EnhancedCode
	return fmt.Sprintf("%d %d.%d.%d %s", e.Code, c[0], c[1], c[2], e.Message)
}
