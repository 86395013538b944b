package trial

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"relay/cli/shell"
	"relay/report/api/act"
	"relay/report/api/mail"
)

// service answers with these octets, and then ends as err says; io.EOF: in order.
type service struct {
	shell.Service
	text string
	err  error
}

func (s service) Do(req *http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader(s.text), iotest.ErrReader(s.err))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req, Body: io.NopCloser(body)}, nil
}

// Steps are whole for programs when the relay says how the test ended, also badly; those of an
// answer that was cut off are not.
func TestShow_cutOff(t *testing.T) {
	const step = `{"step":"connect","status":"ok"}` + "\n"
	const end = `{"problem":{"type":"unreachable","detail":"the relay is stopping"}}` + "\n"
	for _, c := range []struct {
		text        string
		err         error
		whole, fine bool
	}{
		{step, io.EOF, true, true},
		{step + end, io.EOF, true, false},
		{step, io.ErrUnexpectedEOF, false, false},
		{step + step[:9], io.ErrUnexpectedEOF, false, false},
		{step + step[:9], io.EOF, false, false},
	} {
		var out strings.Builder
		err := show(t.Context(), &shell.Env{Stdout: &out, JSON: true, Running: service{text: c.text, err: c.err}}, &mail.Trial{})
		if (err == nil) != c.fine || json.Valid([]byte(out.String())) != c.whole || errors.Is(err, act.ErrBroken) == c.whole {
			t.Errorf("%q, then %v: %v\n%s", c.text, c.err, err, out.String())
		}
	}
}
