package store

import (
	"fmt"
	"io"
	"testing"
	"time"

	"relay/store/books"
	"relay/store/spool"
	"relay/store/spooled"
)

// plainDSNs are of that text, or where it is empty of a line for each recipient.
func plainDSNs(s *Store, perHour int, text string) spool.DSNs {
	return spool.DSNs{PerHour: perHour, Build: func(m *spooled.Message, own bool, original io.Reader) (spool.Notice, bool) {
		body := text
		if body == "" {
			for i := range m.Recipients {
				if r := &m.Recipients[i]; r.DSN != nil {
					body += fmt.Sprintf("%s %s %s\n", r.Address, r.DSN.Action, r.DSN.Reply)
				}
			}
			all, err := io.ReadAll(original)
			body += fmt.Sprintf("own %v, %d octets, %v\n", own, len(all), err)
		}
		return spool.Notice{Body: []byte(body), Message: spooled.Message{Expires: s.Now().Add(time.Hour),
			Recipients: []spooled.Recipient{{Address: m.Sender, Domain: "src.test"}}}}, true
	}}
}

func TestAccount_Owns(t *testing.T) {
	a := books.Account{Contact: "boss@shop.example", Senders: []string{"@news.example", "info@other.example"}}
	for address, want := range map[string]bool{
		"boss@shop.example": true, "Boss@Shop.example": true, "ann@shop.example": false,
		"x@news.example": true, "x@sub.news.example": false, "info@other.example": true, "ann@other.example": false, "": false,
	} {
		if a.Owns(address) != want {
			t.Errorf("Owns(%q) = %v", address, !want)
		}
	}
	if (&books.Account{}).Owns("") {
		t.Error("an account without a contact owns the null sender")
	}
}
