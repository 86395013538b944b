package returns

import (
	"sync"

	"relay/store/delivered"
)

const (
	mostOfToken = 5      // e-mails a day, UTC, that a token brings
	mostTokens  = 50_000 // that are counted in a day; further ones are not
)

// passes counts what tokens brought in a day. It is memory: after a restart the day begins
// anew.
type passes struct {
	mu  sync.Mutex
	day int64
	of  map[delivered.Token]uint8
}

// take counts an e-mail, and reports false if there were enough. A token may be written in
// several ways: what it says is counted.
func (p *passes) take(s *Returns, text string) bool {
	key, ok := s.Delivered.ParseToken(text)
	if !ok {
		return true
	}
	day := s.db.Wall().Unix() / 86_400
	p.mu.Lock()
	defer p.mu.Unlock()
	if day != p.day || p.of == nil {
		p.day, p.of = day, make(map[delivered.Token]uint8)
	}
	n := p.of[key]
	if n >= mostOfToken {
		return false
	}
	if n > 0 || len(p.of) < mostTokens {
		p.of[key] = n + 1
	}
	return true
}

// full reports whether take would report false.
func (p *passes) full(s *Returns, text string) bool {
	key, ok := s.Delivered.ParseToken(text)
	p.mu.Lock()
	defer p.mu.Unlock()
	return ok && p.day == s.db.Wall().Unix()/86_400 && p.of[key] >= mostOfToken
}

// BringsMore reports whether what comes to a token may still be passed on today: if not, its content
// need not be kept.
func (s *Returns) BringsMore(token string) bool { return !s.passes.full(s, token) }

// giveBack takes one off that could not be stored.
func (p *passes) giveBack(s *Returns, text string) {
	key, ok := s.Delivered.ParseToken(text)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.of[key]; n > 0 {
		p.of[key] = n - 1
	}
}
