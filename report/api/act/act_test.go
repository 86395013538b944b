package act

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"relay/store"
)

type echoRequest struct {
	Name string    `path:"name"`
	At   time.Time `query:"at"`
	Of   []string  `query:"of,explode"`
	Deep bool      `query:"deep" who:"operator"`
	Body struct {
		Text  string `json:"text,omitempty"`
		Owner string `json:"owner,omitempty" who:"operator"`
	}
}

type echoAnswer struct {
	Name, Text, By string
	At             time.Time
	Of             []string
}

var errSample = errors.New("sample")

func echo(ctx context.Context, _ *Service, in *echoRequest) (*echoAnswer, error) {
	switch in.Body.Text {
	case "refuse":
		return nil, Fail(Refused, "see {echo list --of x} and {check --store}", "refused: %w", errSample)
	case "own":
		return nil, Fail(Refused, "see {echo all acme}", "refused")
	case "invalid":
		return nil, Invalid("at_limit", "", " %q: suspend or continue", "x")
	case "below":
		return nil, fmt.Errorf("account acme: %w", store.ErrFull)
	case "fault":
		return nil, errors.New("panic at /usr/src/relay.go:1")
	case "file":
		return nil, Fail(Data, "", "read: %w", &fs.PathError{Op: "open", Path: "/usr/src/relay.db", Err: fs.ErrPermission})
	}
	return &echoAnswer{in.Name, in.Body.Text, ActorOf(ctx).String(), in.At, in.Of}, nil
}

type countRequest struct {
	Paging
	To   int `query:"to"`
	Slow int `query:"slow"` // milliseconds a row
}

type countRow struct{ N int }

func count(_ context.Context, _ *Service, in *countRequest, page *Page[countRow]) error {
	from, _ := strconv.Atoi(page.From) // "" is 0
	for n := from + 1; n <= in.To; n++ {
		if err := page.Add(countRow{n}, strconv.Itoa(n)); err != nil {
			return err
		}
	}
	return nil
}

func followCount(_ context.Context, _ *Service, in *countRequest, give func(*countRow) error) error {
	for n := range in.To {
		if err := give(&countRow{n + 1}); err != nil {
			return err
		}
	}
	if in.Slow > 0 {
		return errSample
	}
	return nil
}

func octets(_ context.Context, _ *Service, in *countRequest, s *Sink) error {
	s.Header().Set("Relay-About", "it")
	for range in.To {
		if _, err := s.Write([]byte("x")); err != nil {
			return err
		}
	}
	if in.Slow > 0 {
		return errSample
	}
	return nil
}

var (
	echoAct   = New(Spec{Name: "echo one", Route: "POST /v1/echo/{name}", May: Operator | Reseller}, echo)
	ownAct    = New(Spec{Name: "echo own", Route: "POST /v1/own/{name}", May: Operator, AnyVersion: true}, echo)
	countAct  = NewList(Spec{Name: "echo all", Route: "GET /v1/count", May: Operator | Reseller}, count)
	followAct = NewStream(Spec{Name: "echo follow", Route: "GET /v1/follow", May: Operator}, followCount)
	octetsAct = NewFile(Spec{Name: "echo octets", Route: "GET /v1/octets", May: Operator}, octets)
)

func service(t *testing.T) *Service {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Service{Store: st, Log: slog.New(slog.DiscardHandler), Version: "1.0", Rules: func() *Rules { return &Rules{} }}
}

func sample(t *testing.T) http.Handler {
	return NewAPI(service(t), echoAct, ownAct, countAct, followAct, octetsAct)
}

// remote is a caller over a real connection.
type remote struct {
	base string
	http *http.Client
}

func (r remote) Do(req *http.Request) (*http.Response, error) {
	u, err := req.URL.Parse(r.base + req.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	req.URL = u
	resp, err := r.http.Do(req)
	if err != nil {
		err = broken(req.Context(), err)
	}
	return resp, err
}

// eachWay runs a test against a handler in this process and over a connection.
func eachWay(t *testing.T, a Actor, test func(t *testing.T, c Caller)) {
	h := sample(t)
	t.Run("in this process", func(t *testing.T) { test(t, &Local{Handler: h, Actor: a}) })
	t.Run("over a connection", func(t *testing.T) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(WithActor(r.Context(), a)))
		}))
		defer s.Close()
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		test(t, remote{s.URL, s.Client()})
	})
}

var operator, reseller = Actor{Kind: Operator, UID: 7}, Actor{Kind: Reseller, Name: "webco"}

func TestAct_Call(t *testing.T) {
	eachWay(t, operator, func(t *testing.T, c Caller) {
		at := time.Date(2026, 11, 2, 3, 4, 5, 6, time.UTC)
		for _, name := range []string{"acme", "INV/2026/17", "a b", "ä?&#%2F", "..x", "{name}"} {
			in := &echoRequest{Name: name, At: at, Of: []string{"a,b", "c"}}
			in.Body.Text = "<hello> & more"
			got, err := echoAct.Call(t.Context(), c, in)
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			want := echoAnswer{name, in.Body.Text, "uid 7", at, in.Of}
			if got.Name != want.Name || got.Text != want.Text || got.By != want.By || !got.At.Equal(at) || !slices.Equal(got.Of, want.Of) {
				t.Errorf("Call(%q) = %+v, want %+v", name, *got, want)
			}
		}
		for _, name := range []string{"", ".", ".."} {
			if _, err := echoAct.Call(t.Context(), c, &echoRequest{Name: name}); !isType(err, Missing) {
				t.Errorf("Call(%q) = %v, want not found", name, err)
			}
		}
	})
}

func isType(err error, want Type) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Type == want
}

// What is not an actor's is not found, in the same words, whatever else is wrong.
func TestAct_actors(t *testing.T) {
	eachWay(t, reseller, func(t *testing.T, c Caller) {
		deep, owner := &echoRequest{Name: "acme", Deep: true}, &echoRequest{Name: "acme"}
		owner.Body.Owner = "x"
		for what, err := range map[string]error{
			"an operator's act":    second(ownAct.Call(t.Context(), c, &echoRequest{Name: "acme"})),
			"an operator's flag":   second(echoAct.Call(t.Context(), c, deep)),
			"an operator's member": second(echoAct.Call(t.Context(), c, owner)),
			"an operator's stream": followAct.Each(t.Context(), c, &countRequest{}, func(*countRow) error { return nil }),
		} {
			if !isType(err, Missing) || err.Error() != "not found" {
				t.Errorf("%s = %v, want not found", what, err)
			}
		}
		resp, err := c.Do(request(t, "POST", "/v1/own/acme", `{"no": such}`))
		if err != nil {
			t.Fatal(err)
		}
		a := text(t, resp)
		for _, path := range []string{"/v1/nothing", "/v1//own/acme", "/v1/echo/../own/acme", "/", "/v1/own/acme/"} {
			other, err := c.Do(request(t, "POST", path, ""))
			if err != nil {
				t.Fatal(err)
			}
			if b := text(t, other); a != b || resp.StatusCode != other.StatusCode {
				t.Errorf("an operator's act answers %s, %s %s", a, path, b)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func request(t *testing.T, method, path, body string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(t *testing.T, r *http.Response) string {
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestProblem(t *testing.T) {
	eachWay(t, operator, func(t *testing.T, c Caller) {
		for text, want := range map[string]string{
			"refuse":  `refused refused: sample | see relay echo list --of x and relay check --store`,
			"own":     `refused refused | see relay echo all acme`,
			"invalid": `invalid at_limit "x": suspend or continue | `,
			"below":   `try-again account acme: ` + store.ErrFull.Error() + ` | make space on the disk and try again`,
		} {
			in := &echoRequest{Name: "acme"}
			in.Body.Text = text
			_, err := echoAct.Call(t.Context(), c, in)
			p, ok := errors.AsType[*Problem](err)
			if !ok {
				t.Fatalf("%s: %v is no problem", text, err)
			}
			hint := ""
			if p.Hint != nil {
				hint = p.Hint.Line("relay")
			}
			if got := fmt.Sprintf("%s %s | %s", p.Type, p.Detail, hint); got != want {
				t.Errorf("%s:\n got %s\nwant %s", text, got, want)
			}
		}
	})
}

// A hint tells an actor only what it may do.
func TestProblem_hintsOfOthers(t *testing.T) {
	eachWay(t, reseller, func(t *testing.T, c Caller) {
		for text, want := range map[string]string{"refuse": "ask the operator", "own": "see relay echo all acme"} {
			in := &echoRequest{Name: "acme"}
			in.Body.Text = text
			_, err := echoAct.Call(t.Context(), c, in)
			p, ok := errors.AsType[*Problem](err)
			if !ok || p.Hint == nil || p.Hint.Line("relay") != want {
				t.Errorf("%s: %+v, want the hint %q", text, p, want)
			}
		}
	})
}

// Members that an act does not know, and values that cannot be, are named.
// Faults of the machine are in the log; who is not the operator learns no file of it.
func TestProblem_faultsOfTheMachine(t *testing.T) {
	var log bytes.Buffer
	s := service(t)
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	h := NewAPI(s, echoAct)
	for _, what := range []string{"fault", "file", "below"} {
		for a, open := range map[*Actor]bool{{Kind: Operator}: true, {Kind: Reseller, Name: "webco"}: false} {
			log.Reset()
			in := &echoRequest{Name: "x"}
			in.Body.Text = what
			_, err := echoAct.Call(t.Context(), &Local{Handler: h, Actor: *a}, in)
			if err == nil || strings.Contains(err.Error(), "cannot do this now") == open || strings.Contains(log.String(), "act failed") == open {
				t.Errorf("%s for %s: %v; log %q", what, a, err, &log)
			}
		}
	}
}

func TestProblem_invalid(t *testing.T) {
	eachWay(t, operator, func(t *testing.T, c Caller) {
		for _, tt := range []struct {
			r      *http.Request
			detail string
			field  string
		}{
			{request(t, "POST", "/v1/echo/acme", `{"text":"x","other":1}`), "other: there is no such member", "other"},
			{request(t, "POST", "/v1/echo/acme", `{"text":1}`), "text: text in quotes", "text"},
			{request(t, "POST", "/v1/echo/acme?other=1", `{}`), "other: unknown query parameter", "other"},
			{request(t, "POST", "/v1/echo/acme?at=yesterday", `{}`), "at: ", "at"},
			{request(t, "POST", "/v1/echo/acme", `{`), "unexpected end of JSON input", ""},
			{request(t, "GET", "/v1/count?limit=1001", ``), "limit: ", "limit"},
			{request(t, "GET", "/v1/count?cursor=*", ``), "cursor", "cursor"},
		} {
			resp, err := c.Do(tt.r)
			if err != nil {
				t.Fatal(err)
			}
			var p Problem
			if err := json.Unmarshal([]byte(text(t, resp)), &p); err != nil || p.Type != Wrong || !strings.HasPrefix(p.Detail, tt.detail) ||
				(tt.field != "") != (len(p.Errors) == 1) || tt.field != "" && p.Errors[0].Field != tt.field {
				t.Errorf("%s: %+v %v, want %q", tt.r.URL, p, err, tt.detail)
			}
		}
	})
}

func TestProblem_contentType(t *testing.T) {
	eachWay(t, operator, func(t *testing.T, c Caller) {
		r := request(t, "POST", "/v1/echo/acme", `{"text":"x"}`)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var p Problem
		if err := json.Unmarshal([]byte(text(t, resp)), &p); err != nil || p.Status != 415 || p.Hint == nil || p.Errors != nil || !strings.HasPrefix(p.Detail, "unknown content type") {
			t.Errorf("%+v %v, want 415 with the right header", p, err)
		}
	})
}

func TestList_Each(t *testing.T) {
	eachWay(t, operator, func(t *testing.T, c Caller) {
		for _, tt := range []struct {
			to   int
			want int64
			most int64
		}{{0, 0, 0}, {1, 1, 0}, {999, 999, 0}, {1000, 1000, 0}, {1001, 1001, 0}, {3500, 3500, 0}, {3500, 2, 2}, {3500, 1000, 1000}, {3500, 2001, 2001}} {
			n := int64(0)
			err := countAct.Each(t.Context(), c, &countRequest{To: tt.to}, tt.most, func(r *countRow) error {
				if n++; int64(r.N) != n {
					return fmt.Errorf("row %d is %d", n, r.N)
				}
				return nil
			})
			if err != nil || n != tt.want {
				t.Errorf("Each of %d, at most %d: %d rows, %v", tt.to, tt.most, n, err)
			}
		}
		enough := errors.New("enough")
		if err := countAct.Each(t.Context(), c, &countRequest{To: 5}, 0, func(*countRow) error { return enough }); err != enough {
			t.Errorf("Each ends with %v, want the function's error", err)
		}
	})
}

// A search that finds nothing ends its page in time and goes on with the next one.
func TestPage_Pass(t *testing.T) {
	p := Page[countRow]{limit: 10, until: time.Now().Add(-time.Second)}
	for range looksEach - 1 {
		if err := p.Pass("a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Pass("b"); !errors.Is(err, ErrFull) || p.next != "b" {
		t.Errorf("Pass beyond its time = %v, next %q", err, p.next)
	}
}

// A stream that breaks off is an error, never a short answer.
func TestStream_cutShort(t *testing.T) {
	eachWay(t, operator, func(t *testing.T, c Caller) {
		n := 0
		each := func(*countRow) error { n++; return nil }
		if err := followAct.Each(t.Context(), c, &countRequest{To: 3}, each); err != nil || n != 3 {
			t.Errorf("%d rows, %v", n, err)
		}
		if err := followAct.Each(t.Context(), c, &countRequest{To: 3, Slow: 1}, each); !isType(err, Internal) || n != 6 {
			t.Errorf("a stream that fails later = %v, want its problem", err)
		}
		if err := followAct.Each(t.Context(), c, &countRequest{Slow: 1}, each); !isType(err, Internal) {
			t.Errorf("a stream that never begins = %v, want its problem", err)
		}
		var b bytes.Buffer
		open := func(h http.Header) (io.Writer, error) { b.WriteString(h.Get("Relay-About")); return &b, nil }
		if size, err := octetsAct.Copy(t.Context(), c, &countRequest{To: 3}, open); err != nil || size != 3 || b.String() != "itxxx" {
			t.Errorf("Copy = %d, %v: %q", size, err, &b)
		}
		broken := ErrBroken
		if _, here := c.(*Local); here {
			broken = errSample // no connection broke: what did is told
		}
		if _, err := octetsAct.Copy(t.Context(), c, &countRequest{To: 3, Slow: 1}, open); !errors.Is(err, broken) {
			t.Errorf("a file that breaks off = %v, want %v", err, broken)
		}
		if _, err := octetsAct.Copy(t.Context(), c, &countRequest{To: 3}, func(http.Header) (io.Writer, error) { return nil, errSample }); !errors.Is(err, errSample) {
			t.Errorf("a file that its reader does not want = %v", err)
		}
		if _, err := octetsAct.Copy(t.Context(), c, &countRequest{}, open); err != nil {
			t.Errorf("an empty file: %v", err)
		}
	})
}

// Who has a token can ask for the description all the time; making it takes long.
func TestAPI_describesOnce(t *testing.T) {
	made := 0
	a := NewAPI(service(t), echoAct, &counted{echoAct, &made})
	for range 3 {
		w := httptest.NewRecorder()
		r := request(t, http.MethodGet, "/v1/openapi.json", "")
		a.ServeHTTP(w, r.WithContext(WithActor(t.Context(), Actor{Kind: Reseller, Name: "webco"})))
		if !strings.Contains(w.Body.String(), "/v1/counted") {
			t.Fatalf("the description: %s", w.Body)
		}
	}
	if made != 1 {
		t.Errorf("the description was made %d times, want once", made)
	}
}

// counted is an act that counts how often it is prepared.
type counted struct {
	Any
	made *int
}

func (c *counted) About() *Spec {
	return &Spec{Name: "echo counted", Route: "POST /v1/counted/{name}", May: Operator}
}

func (c *counted) register(m *mount) {
	*c.made++
	New(*c.About(), echo).register(m)
}

// deadlines records the deadline by which the connection's next octet has to be there.
type deadlines struct {
	*httptest.ResponseRecorder
	read time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = t
	return nil
}

// net/http listens for a client that goes away while an act runs: a deadline that is left
// behind by the reading of the body would end the act's context.
func TestAct_lasts(t *testing.T) {
	w := &deadlines{httptest.NewRecorder(), time.Now()}
	r := request(t, http.MethodPost, "/v1/echo/x", `{}`)
	r.Header.Set("Content-Type", "application/json")
	sample(t).ServeHTTP(w, r.WithContext(WithActor(t.Context(), Actor{Kind: Operator})))
	if w.Code != http.StatusOK || !w.read.IsZero() {
		t.Errorf("answer %d; while the act runs, the connection's deadline is %v, want none", w.Code, w.read)
	}
}

// A client of another version is refused before anything is done, unless the act is for it.
func TestAPI_version(t *testing.T) {
	eachWay(t, operator, func(t *testing.T, c Caller) {
		for _, one := range []struct {
			version, path string
			want          int
		}{{"", "/v1/echo/acme", 200}, {"1.0", "/v1/echo/acme", 200}, {"1.1", "/v1/echo/acme", 412}, {"1.1", "/v1/own/acme", 200}, {"1.1", "/v1/none", 412}} {
			r := request(t, "POST", one.path, `{}`)
			r.Header.Set(VersionHeader, one.version)
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != one.want {
				t.Errorf("%s, version %q: %d %s, want %d", one.path, one.version, resp.StatusCode, text(t, resp), one.want)
			}
		}
	})
}

// stranger answers as something else than relay does.
type stranger int

func (s stranger) Do(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	http.Error(w, "no such page", int(s))
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// A relay from before an act answers as it did to pages that it did not know: the client
// says what to do.
func TestAct_unknownToTheService(t *testing.T) {
	_, err := echoAct.Call(t.Context(), stranger(http.StatusNotFound), &echoRequest{Name: "a"})
	p, ok := errors.AsType[*Problem](err)
	if !ok || p.Type != Version || p.Hint == nil || p.Hint.Text != "restart the relay, so that it is of the same version" {
		t.Errorf("%#v", err)
	}
	if _, err := echoAct.Call(t.Context(), stranger(http.StatusBadGateway), &echoRequest{Name: "a"}); !errors.Is(err, ErrBroken) {
		t.Errorf("%v, want that it broke", err)
	}
}

func TestStepOf(t *testing.T) {
	all := map[string]*Spec{"account list": {}, "account close": {}, "usage": {}}
	for text, want := range map[string]string{
		"account list":                      "account list",
		"account close acme --dry-run":      "account close [acme] [dry_run=]",
		"account close acme --amount 5 --x": "account close [acme] [amount=5] [x=]",
		"usage acme":                        "usage [acme]",
		"restore FILE":                      "restore [FILE]",
		"reseller token RESELLER":           "reseller token [RESELLER]",
	} {
		s := stepOf(strings.Fields(text), all)
		got := s.Act
		for _, a := range s.Arguments {
			if got += " [" + a.Value + "]"; a.Name != "" {
				got = strings.TrimSuffix(got, " ["+a.Value+"]") + " [" + a.Name + "=" + a.Value + "]"
			}
		}
		if got != want {
			t.Errorf("stepOf(%q) = %s, want %s", text, got, want)
		}
		if line := s.CommandLine(); line != text {
			t.Errorf("CommandLine of %q = %q", text, line)
		}
	}
}

func BenchmarkNewAPI(b *testing.B) {
	for b.Loop() {
		NewAPI(&Service{Version: "1"}, echoAct, ownAct, countAct, followAct, octetsAct)
	}
}

func BenchmarkLocal(b *testing.B) {
	st, _ := store.Open(filepath.Join(b.TempDir(), "x.db"), store.Options{})
	defer st.Close()
	h := NewAPI(&Service{Version: "1", Store: st}, echoAct)
	c := &Local{Handler: h, Actor: operator}
	for b.Loop() {
		if _, err := echoAct.Call(b.Context(), c, &echoRequest{Name: "acme"}); err != nil {
			b.Fatal(err)
		}
	}
}
