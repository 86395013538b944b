package act

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// API is the HTTP face of the service.
type API struct {
	http.Handler
	mux  *http.ServeMux
	by   map[string]*Spec // route
	s    *Service
	all  map[string]*Spec
	acts []Any
	text func() ([]byte, error) // the OpenAPI description, made once: it takes long
}

// NewAPI serves acts. Requests carry their Actor in the context. An act is prepared at
// its first request, because a command that opens the store itself needs only one.
func NewAPI(s *Service, acts ...Any) *API {
	ownProblems()
	a := &API{mux: http.NewServeMux(), s: s, all: map[string]*Spec{}, by: map[string]*Spec{}, acts: acts}
	for _, one := range acts {
		spec := one.About()
		if a.all[spec.Name] != nil || spec.May == 0 || spec.Name == "" {
			panic("act " + spec.Name + ", " + spec.Route + ": its name is there already, or it does not say whom it is for")
		}
		a.all[spec.Name], a.by[spec.Route] = spec, spec
		a.mux.Handle(spec.Route, &route{a: a, acts: []Any{one}})
	}
	a.text = sync.OnceValues(a.description)
	a.mux.HandleFunc("GET /v1/openapi.json", a.describe)
	a.Handler = a.sameVersion(http.HandlerFunc(a.serve))
	return a
}

// route prepares an act at its first request.
type route struct {
	a    *API
	acts []Any
	once sync.Once
	h    http.Handler
}

func (r *route) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.once.Do(func() { r.h, _ = r.a.mount(r.acts) })
	r.h.ServeHTTP(w, req)
}

// mount registers acts with huma, and returns their handler and their description.
func (a *API) mount(acts []Any) (http.Handler, *huma.OpenAPI) {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("relay", a.s.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.Servers = []*huma.Server{{URL: "/", Description: "relay.sock, or the address in [api] of relay.toml"}}
	config.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "A reseller's token. The operator at relay.sock needs none."}}
	config.Security = []map[string][]string{{"token": {}}, {}}
	plain := huma.Format{Marshal: Encode, Unmarshal: json.Unmarshal}
	config.Formats = map[string]huma.Format{"application/json": plain, "json": plain}
	m := &mount{api: humago.New(mux, config), s: a.s, all: a.all}
	for _, one := range acts {
		one.register(m)
	}
	describeNulls(m.api.OpenAPI().Components.Schemas)
	return mux, m.api.OpenAPI()
}

// OpenAPI describes all acts.
func (a *API) OpenAPI() *huma.OpenAPI {
	_, doc := a.mount(a.acts)
	return doc
}

func (a *API) description() ([]byte, error) {
	var b bytes.Buffer
	err := Encode(&b, a.OpenAPI())
	return b.Bytes(), err
}

func (a *API) describe(w http.ResponseWriter, r *http.Request) {
	text, err := a.text()
	if err != nil {
		WriteProblem(w, problemFor(r.Context(), a.all, err))
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(text) // a client that has gone needs no answer
}

// serve answers with a problem for a path that is no act, also where the mux would redirect.
func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	_, pattern := a.mux.Handler(r)
	if pattern == "" || path.Clean(r.URL.Path) != r.URL.Path || ActorOf(r.Context()).Kind == 0 {
		err := NotFound
		if ActorOf(r.Context()).Kind == Operator {
			err = Fail(NoSuch, "GET /v1/openapi.json describes all", "no act %s %.100q", r.Method, r.URL.Path)
		}
		WriteProblem(w, problemFor(r.Context(), a.all, err))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// sameVersion refuses clients of another version, whose idea of an act may differ, unless
// the act is for any version.
func (a *API) sameVersion(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := r.Header.Get(VersionHeader); v != "" && v != a.s.Version && !a.anyVersion(r) {
			err := Fail(Version, "restart the relay, so that it is of the same version", "relay %s is running, and this command is of %s: nothing was done", a.s.Version, v)
			WriteProblem(w, problemFor(r.Context(), a.all, err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// anyVersion reports whether a request is for an act for clients of any version.
func (a *API) anyVersion(r *http.Request) bool {
	s := a.specOf(r)
	return s != nil && s.AnyVersion
}

// specOf is the act that a request is for; nil: none.
func (a *API) specOf(r *http.Request) *Spec {
	_, pattern := a.mux.Handler(r)
	return a.by[pattern]
}

// Largest is how many octets the body of an actor's request may have.
func (a *API) Largest(r *http.Request, who Actor) int64 {
	if s := a.specOf(r); s != nil && s.For(who) {
		return s.largest()
	}
	return largestBody
}

// Encode writes v as answers have it: one line of JSON, without escapes for HTML.
func Encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// WriteProblem answers with a problem, for what ends before an act.
func WriteProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if p.Hint == nil && p.advice != "" {
		p.Hint = &Hint{Text: p.advice}
	}
	_ = Encode(w, p) // a client that has gone needs no answer
}

// ownProblems makes huma's own refusals problems of ours. Its hook is a variable of the
// package, so it is set once.
var ownProblems = sync.OnceFunc(func() {
	huma.NewError = func(status int, text string, errs ...error) huma.StatusError {
		if len(errs) == 1 {
			if p, ok := errs[0].(*Problem); ok {
				return p
			}
		}
		return invalid(status, text, errs)
	}
	plainMisfits()
})

// invalid is the problem of a request that does not fit the act's description.
func invalid(status int, text string, errs []error) *Problem {
	kind := Wrong
	if status >= 500 {
		kind = Internal
	}
	fields, texts := misfits(errs)
	if len(texts) > 0 {
		text = strings.Join(texts, "; ")
	}
	p := Fail(kind, "", "%s", text).(*Problem)
	p.Errors = fields
	if status != 0 {
		p.Status = status
	}
	if status == http.StatusUnsupportedMediaType {
		p.Hint = &Hint{Text: "send JSON, with the header Content-Type: application/json"}
	}
	return p
}

// misfits returns the members that errs name, and the texts of all errs. An error that
// names no member is about the whole request.
func misfits(errs []error) (fields []Field, texts []string) {
	for _, err := range errs {
		name, message := "", err.Error()
		if d, ok := err.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			_, name, _ = strings.Cut(detail.Location, ".")
			message = detail.Message
		}
		if name == "" {
			texts = append(texts, message)
			continue
		}
		f := Field{name, ": " + message}
		fields, texts = append(fields, f), append(texts, f.Field+f.Message)
	}
	return fields, texts
}

// describeNulls describes members that are pointers to structs as nullable; huma does that
// for all other pointers.
func describeNulls(all huma.Registry) {
	for name, s := range all.Map() {
		t := all.TypeFromRef("#/components/schemas/" + name)
		if t != nil && t.Kind() == reflect.Struct {
			describeNullsOf(t, s)
		}
	}
}

func describeNullsOf(t reflect.Type, s *huma.Schema) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || p.Ref == "" || f.Type.Kind() != reflect.Pointer {
			continue
		}
		s.Properties[name] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}, Description: p.Description}
	}
}
