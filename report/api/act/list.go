package act

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Limits of a page.
const (
	MostRows  = 1000                  // also where a request names no limit
	firstRows = 100                   // of a client's first page, so that the first rows appear at once
	longest   = 50 * time.Millisecond // of searching; the page then ends at the last key that was looked at
	heaviest  = 20_000                // things that the rows of a page hold, see Page.Weigh
	looksEach = 64                    // keys that are passed between two looks at the clock
)

// Paging is embedded in the request of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"Rows of a page at most; 0: 1,000."`
	Cursor string `query:"cursor" doc:"Where the page begins: from the link of the page before. It means nothing else."`
}

func (p *Paging) paging() *Paging { return p }

type pageable interface{ paging() *Paging }

// ErrFull says that the page is full. A list's function returns it as its own error, and
// so ends its walk.
var ErrFull = errors.New("act: the page is full")

// Page collects the rows of one page.
type Page[Row any] struct {
	From string // key behind which the page begins; "": at the beginning

	rows  []Row
	next  string // key of the last row, when more may follow
	limit int
	load  int
	seen  int
	until time.Time
}

// Add adds a row, whose place in the list is key: the next page begins behind it.
func (p *Page[Row]) Add(row Row, key string) error {
	p.rows = append(p.rows, row)
	if len(p.rows) >= p.limit || p.load > heaviest {
		p.next = key
		return ErrFull
	}
	return p.Pass(key)
}

// Weigh announces that the next row holds n things, such as recipients. A page whose rows
// hold many ends early, so that memory stays flat.
func (p *Page[Row]) Weigh(n int) { p.load += n }

// Pass notes that the search has come to key, with or without a row. It returns ErrFull
// once the search has taken too long.
func (p *Page[Row]) Pass(key string) error {
	if p.seen++; p.seen%looksEach != 0 || time.Now().Before(p.until) {
		return nil
	}
	p.next = key
	return ErrFull
}

// List is an act that answers with many rows, a page at a time.
type List[In, Row any] struct {
	Spec
	do  func(context.Context, *Service, *In, *Page[Row]) error
	csv *Table[Row] // nil: it has no CSV
}

// NewList makes a list of its function. The request must embed Paging.
func NewList[In, Row any](s Spec, do func(context.Context, *Service, *In, *Page[Row]) error) *List[In, Row] {
	if _, ok := any(new(In)).(pageable); !ok {
		panic("act " + s.Name + ": its request has no Paging")
	}
	return &List[In, Row]{s, do, nil}
}

type rows[Row any] struct {
	Link string `header:"Link" doc:"The next page, rel=next; none: this is the last one."`
	Body []Row
}

func (l *List[In, Row]) register(m *mount) {
	if l.csv != nil {
		l.registerCSV(m)
		return
	}
	op := m.operation(&l.Spec)
	type answer = rows[Row]
	huma.Register(m.api, op, func(ctx context.Context, in *In) (*answer, error) {
		page, err := run(ctx, m, in, l.page)
		if err != nil {
			return nil, m.problem(ctx, err)
		}
		out := &answer{Body: page.rows}
		if out.Link, err = l.next(in, page); err != nil {
			return nil, m.problem(ctx, err)
		}
		return out, nil
	})
}

// page runs the function for one page.
func (l *List[In, Row]) page(ctx context.Context, s *Service, in *In) (*Page[Row], error) {
	at := any(in).(pageable).paging()
	from, err := base64.RawURLEncoding.DecodeString(at.Cursor)
	if err != nil {
		return nil, Invalid("cursor", "", " is not one of this list")
	}
	page := &Page[Row]{From: string(from), rows: []Row{}, limit: at.Limit, until: time.Now().Add(longest)}
	if page.limit == 0 {
		page.limit = MostRows
	}
	if err := l.do(ctx, s, in, page); err != nil && !errors.Is(err, ErrFull) {
		return nil, err
	}
	return page, nil
}

// next returns the header Link to the page that follows (RFC 8288); "": none does.
func (l *List[In, Row]) next(in *In, page *Page[Row]) (string, error) {
	if page.next == "" {
		return "", nil
	}
	next := *in
	l.follow(&next, page.next)
	u, err := address(&l.Spec, &next)
	return fmt.Sprintf("<%s>; rel=\"next\"", u), err
}

// follow has a request ask for the page that begins behind key.
func (l *List[In, Row]) follow(in *In, key string) {
	any(in).(pageable).paging().Cursor = base64.RawURLEncoding.EncodeToString([]byte(key))
}

// Each calls fn for each row, page after page, and stops at fn's first error. limit bounds
// the rows of all pages together; 0: no limit.
func (l *List[In, Row]) Each(ctx context.Context, c Caller, in *In, limit int64, fn func(*Row) error) error {
	req := *in
	at := any(&req).(pageable).paging()
	for left, most := limit, int64(firstRows); ; most = MostRows {
		at.Limit = int(most)
		if limit > 0 {
			at.Limit = int(min(left, most))
		}
		resp, err := l.send(ctx, c, &req)
		if err != nil {
			return err
		}
		n, err := eachRow(resp, fn)
		if err != nil {
			return err
		}
		left -= n
		if at.Cursor = nextCursor(resp); at.Cursor == "" || limit > 0 && left <= 0 {
			return nil
		}
	}
}

// nextCursor returns the cursor of the next page; "": there is none.
func nextCursor(resp *http.Response) string {
	target, _, ok := strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"), ">")
	u, err := url.Parse(target)
	if !ok || err != nil {
		return ""
	}
	return u.Query().Get("cursor")
}
