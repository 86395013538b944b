package align

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"relay/store"
	"relay/store/remark"
)

// Patience is how long a message waits for the DNS before it is taken unjudged.
const Patience = 2 * time.Second

// Judge judges messages and keeps remarks about them. Its methods may be called from any
// goroutine.
type Judge struct {
	st        *store.Store
	host      string
	standings *standings
	log       *slog.Logger

	mu   sync.Mutex
	book *book
}

// New makes a Judge for the relay of that host name.
func New(st *store.Store, host string, ask Domains, log *slog.Logger) *Judge {
	return &Judge{st: st, host: host, standings: newStandings(ask), log: log, book: newBook()}
}

// Refuse returns why a message is refused, with the next step; "": it is not. It waits for
// the DNS, for Patience at most, and refuses nothing that cannot be found out.
func (j *Judge) Refuse(ctx context.Context, m *Message) string {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	if m.unreadable() {
		return "its From field cannot be read, so nothing proves who this mail is from: write one address there"
	}
	c := m.claim()
	v, err := j.judge(ctx, c)
	if err != nil {
		return ""
	}
	from := c.from
	switch v.kind {
	case remark.Freemail:
		return fmt.Sprintf("mail from %s is refused elsewhere unless %s itself sends it: use an address at a domain of your own", from, from)
	case remark.Unsigned:
		return fmt.Sprintf("nothing proves that this mail is from %s: it bears no signature of that domain, which has not delegated signing, and whose SPF record does not include %s. Delegate the domain, or sign the mail", from, j.host)
	}
	return ""
}

// judge says what proves the domain of a From field.
func (j *Judge) judge(ctx context.Context, c claim) (verdict, error) {
	if c.from == "" {
		return verdict{}, nil
	}
	by := signed{own: c.signers.list(), relay: j.signer(c.account, c.from)}
	if p := providers[c.from]; p.policy != "" && by.relay == "" {
		for _, d := range by.own { // it came from the provider, and is passed on
			if d == c.from {
				return verdict{}, nil
			}
		}
		return verdict{remark.Freemail, p.policy}, nil
	}
	standing, err := j.standings.of(ctx, c.account, c.from)
	if err != nil {
		return verdict{}, err
	}
	sender := standing
	if c.sender != "" && c.sender != c.from && standing.aligned(c.from, c.sender, standing.StrictSPF) {
		if sender, err = j.standings.of(ctx, c.account, c.sender); err != nil {
			return verdict{}, err
		}
	}
	return judge(c.from, standing, by, c.sender, sender), nil
}

// signer is the domain with which relay signs mail of an account from a domain; "": none.
func (j *Judge) signer(account, from string) string {
	g, _, err := j.st.Signing.For(account, from)
	if err != nil || len(g.Keys) == 0 {
		return ""
	}
	return g.Domain
}

// Note counts a message that was taken. It waits for nothing.
func (j *Judge) Note(m *Message) {
	now := j.st.Now()
	day := now.In(j.st.Zone()).Format(time.DateOnly)
	c := m.claim()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.book.add(c, m, day, now)
}
