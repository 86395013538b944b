package act

import (
	"context"
	"encoding/csv"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/negotiation"
)

// Table is how the rows of a list go into CSV.
type Table[Row any] struct {
	Head  []string
	Cells func(*Row) []string
}

// WithCSV has the list answer in CSV too, to requests that prefer text/csv: all rows at
// once, or with a limit one page. Each answer begins with the names of the columns.
func (l *List[In, Row]) WithCSV(t Table[Row]) *List[In, Row] {
	l.csv = &t
	return l
}

const (
	typeJSON = "application/json"
	typeCSV  = "text/csv"
)

type acceptKey struct{}

// registerCSV is register for a list with a Table.
func (l *List[In, Row]) registerCSV(m *mount) {
	op := m.operation(&l.Spec)
	schemas := m.api.OpenAPI().Components.Schemas
	op.Responses = m.streams(typeJSON, huma.SchemaFromType(schemas, reflect.TypeFor[[]Row]()))
	op.Responses["200"].Content[typeCSV] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	op.Responses["200"].Headers = map[string]*huma.Param{"Link": {Description: "The next page, rel=next; none: this is the last one.", Schema: &huma.Schema{Type: huma.TypeString}}}
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		next(huma.WithValue(ctx, acceptKey{}, ctx.Header("Accept")))
	})
	huma.Register(m.api, op, func(ctx context.Context, in *In) (*body, error) {
		page, err := run(ctx, m, in, l.page)
		if err != nil {
			return nil, m.problem(ctx, err)
		}
		accept, _ := ctx.Value(acceptKey{}).(string)
		if negotiation.SelectQValueFast(accept, []string{typeJSON, typeCSV}) == typeCSV {
			return m.stream(ctx, func(s *Sink) error { return l.writeCSV(ctx, m, in, page, s) })
		}
		return l.writeJSON(ctx, m, in, page)
	})
}

// writeJSON answers with one page, as a list without a Table does.
func (l *List[In, Row]) writeJSON(ctx context.Context, m *mount, in *In, page *Page[Row]) (*body, error) {
	link, err := l.next(in, page)
	if err != nil {
		return nil, m.problem(ctx, err)
	}
	return &body{func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", typeJSON)
		if link != "" {
			w.Header().Set("Link", link)
		}
		_ = Encode(w, page.rows) // a client that has gone needs no answer
	}}, nil
}

// writeCSV answers with a page and, where the request has no limit, with all that follow.
func (l *List[In, Row]) writeCSV(ctx context.Context, m *mount, in *In, page *Page[Row], s *Sink) error {
	s.Type = typeCSV + "; charset=utf-8"
	all := any(in).(pageable).paging().Limit == 0
	link, err := l.next(in, page)
	if err != nil {
		return err
	}
	if !all && link != "" {
		s.Header().Set("Link", link)
	}
	w := csv.NewWriter(s)
	if err := w.Write(l.csv.Head); err != nil {
		return err
	}
	for req := *in; ; {
		for i := range page.rows {
			if err := w.Write(l.csv.Cells(&page.rows[i])); err != nil {
				return err
			}
		}
		if w.Flush(); w.Error() != nil || !all || page.next == "" {
			return w.Error()
		}
		l.follow(&req, page.next)
		if page, err = run(ctx, m, &req, l.page); err != nil {
			return err
		}
	}
}
