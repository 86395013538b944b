package act

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// ErrBroken is an answer that was cut short: the act may have been done or not.
var ErrBroken = errors.New("the connection to the running relay broke")

// failedHere is an error of a handler in this process: no connection broke.
type failedHere struct{ error }

// broken is the error of an answer that ended too early.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if here, ok := errors.AsType[failedHere](err); ok {
		return here.error
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// send sends the request, and fails with the problem that the service answers.
func (s *Spec) send(ctx context.Context, c Caller, in any) (*http.Response, error) {
	req, err := s.request(ctx, in)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil || resp.StatusCode < 300 {
		return resp, err
	}
	defer resp.Body.Close()
	p := &Problem{}
	const most = 1 << 20
	if err := json.NewDecoder(io.LimitReader(resp.Body, most)).Decode(p); err != nil || p.Type == "" {
		if resp.StatusCode == http.StatusNotFound {
			return nil, ownHint(Fail(Version, "restart the relay, so that it is of the same version", "the relay that runs does not know this command: nothing was done"))
		}
		return nil, broken(ctx, fmt.Errorf("it answers %s", resp.Status))
	}
	return nil, p
}

// request turns an act's request into HTTP; the transport sets the host.
func (s *Spec) request(ctx context.Context, in any) (*http.Request, error) {
	u, err := address(s, in)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if b := reflect.ValueOf(in).Elem().FieldByName("Body"); b.IsValid() {
		text, err := json.Marshal(b.Interface())
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, s.method(), u, body)
	if err == nil && body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, err
}

// address returns path and query of a request, by the same tags that the server reads.
// A name that no path can carry is not found.
func address(s *Spec, in any) (string, error) {
	path, query := s.path(), url.Values{}
	err := eachParameter(reflect.ValueOf(in).Elem(), func(f reflect.StructField, text string) error {
		if name := f.Tag.Get("path"); name != "" {
			if text == "" || text == "." || text == ".." {
				return ownHint(NotFound)
			}
			path = strings.Replace(path, "{"+name+"}", url.PathEscape(text), 1)
			return nil
		}
		if name, _, _ := strings.Cut(f.Tag.Get("query"), ","); text != "" {
			query.Add(name, text)
		}
		return nil
	})
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, err
}

// ownHint finishes a problem that the client makes itself: no handler has parsed its hint.
func ownHint(problem error) error {
	p := *problem.(*Problem)
	p.Hint = hintOf(p.advice, nil)
	return &p
}

// eachParameter calls fn for each member that goes into path or query, with "" for a zero
// value.
func eachParameter(v reflect.Value, fn func(reflect.StructField, string) error) error {
	for f, member := range v.Fields() {
		if f.Anonymous {
			if err := eachParameter(member, fn); err != nil {
				return err
			}
			continue
		}
		if f.Tag.Get("path") == "" && f.Tag.Get("query") == "" {
			continue
		}
		values := []reflect.Value{member}
		if member.Kind() == reflect.Slice {
			values = nil
			for _, one := range member.Seq2() {
				values = append(values, one)
			}
		}
		for _, one := range values {
			text, err := parameter(one)
			if err == nil {
				err = fn(f, text)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func parameter(v reflect.Value) (string, error) {
	if v.IsZero() {
		return "", nil
	}
	switch is := v.Interface().(type) {
	case time.Time:
		return is.Format(time.RFC3339Nano), nil
	case encoding.TextMarshaler:
		text, err := is.MarshalText()
		return string(text), err
	}
	return fmt.Sprint(v.Interface()), nil
}

// decode reads an answer of one document.
func decode(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return broken(resp.Request.Context(), err)
	}
	return nil
}

// eachRow calls fn for the elements of a page.
func eachRow[Row any](resp *http.Response, fn func(*Row) error) (n int64, err error) {
	var page []Row
	if err := decode(resp, &page); err != nil {
		return 0, err
	}
	for i := range page {
		if err := fn(&page[i]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
