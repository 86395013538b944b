package act

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Spec describes an act: its name, its route, and who may ask for it.
type Spec struct {
	Name    string // as on the command line: "account add"; unique
	Route   string // "POST /v1/accounts"
	Summary string // one line, for the OpenAPI description
	May     Who    // for whom it is
	Scope   string // that a key needs; "": none has it
	Largest int64  // octets of a body; 0: 64 KiB

	AnyVersion bool // clients of another version may ask for it too
}

const largestBody = 64 << 10

func (s *Spec) largest() int64 { return cmp.Or(s.Largest, largestBody) }

// method and path of the route.
func (s *Spec) method() string { m, _, _ := strings.Cut(s.Route, " "); return m }
func (s *Spec) path() string   { _, p, _ := strings.Cut(s.Route, " "); return p }

// For reports whether the act is for an actor at all. The act itself checks what the
// request names.
func (s *Spec) For(a Actor) bool {
	return a.Kind&s.May != 0 && (a.Kind != Key || s.Scope != "" && slices.Contains(a.Scopes, s.Scope))
}

// Any is an act of any request and answer.
type Any interface {
	About() *Spec
	register(*mount)
}

// About implements Any.
func (s *Spec) About() *Spec { return s }

// mount has what acts are registered with.
type mount struct {
	api huma.API
	s   *Service
	all map[string]*Spec
}

// operation describes an act to huma. admit runs before its request is read.
func (m *mount) operation(s *Spec) huma.Operation {
	words := strings.Fields(s.Name)
	return huma.Operation{
		OperationID:                  strings.Join(words, "-"),
		Method:                       s.method(),
		Path:                         s.path(),
		Summary:                      s.Summary,
		Tags:                         words[:1],
		MaxBodyBytes:                 s.largest(),
		BodyReadTimeout:              -1, // the transport has one; huma's would go on and end the act's context
		Errors:                       []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		RejectUnknownQueryParameters: true,
		Middlewares:                  huma.Middlewares{m.admit(s)},
	}
}

// admit refuses actors that the act is not for, before the request is judged: for them the
// act does not exist.
func (m *mount) admit(s *Spec) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if !s.For(ActorOf(ctx.Context())) {
			m.refuse(ctx, NotFound)
			return
		}
		ctx.SetHeader(ZoneHeader, zoneName(m.s.Store.Zone()))
		ctx.SetHeader(CurrencyHeader, m.s.Store.Books.Currency())
		ctx.SetHeader(TimeHeader, m.s.Store.Now().Format(time.RFC3339Nano))
		next(ctx)
	}
}

// refuse answers with a problem.
func (m *mount) refuse(ctx huma.Context, err error) {
	p := m.problem(ctx.Context(), err)
	_ = huma.WriteErr(m.api, ctx, p.Status, "", p) // a client that has gone needs no answer
}

// Headers that are not HTTP's own.
const (
	ZoneHeader     = "Relay-Zone"     // of the operator: name of a location
	CurrencyHeader = "Relay-Currency" // of the operator's prices
	TimeHeader     = "Relay-Time"     // of the answer, by relay's wall clock
	VersionHeader  = "Relay-Version"  // of the client
)

// Caller carries a request to the service. Its error says that the service could not be
// reached, or broke off.
type Caller interface {
	Do(*http.Request) (*http.Response, error)
}

// Act is an act with one answer.
type Act[In, Out any] struct {
	Spec
	do func(context.Context, *Service, *In) (*Out, error)
}

// None is a request without members.
type None struct{}

// New makes an act of its description and its function.
func New[In, Out any](s Spec, do func(context.Context, *Service, *In) (*Out, error)) *Act[In, Out] {
	return &Act[In, Out]{s, do}
}

type answer[Out any] struct{ Body *Out }

func (a *Act[In, Out]) register(m *mount) {
	huma.Register(m.api, m.operation(&a.Spec), func(ctx context.Context, in *In) (*answer[Out], error) {
		out, err := run(ctx, m, in, a.do)
		if err != nil {
			return nil, m.problem(ctx, err)
		}
		return &answer[Out]{out}, nil
	})
}

// run calls an act's function, unless the request sets a member that is not for the actor.
func run[In, Out any](ctx context.Context, m *mount, in *In, do func(context.Context, *Service, *In) (*Out, error)) (*Out, error) {
	if err := foreign(ActorOf(ctx), in); err != nil {
		return nil, err
	}
	return do(ctx, m.s, in)
}

// Call asks the service for the act and returns its answer, or its problem.
func (a *Act[In, Out]) Call(ctx context.Context, c Caller, in *In) (*Out, error) {
	resp, err := a.send(ctx, c, in)
	if err != nil {
		return nil, err
	}
	out := new(Out)
	return out, decode(resp, out)
}
