package api

import (
	"encoding/csv"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"relay/report/api/act"
	"relay/report/api/errorlist"
)

// A list of errors comes as JSON in pages, and as CSV to requests that prefer it: all of it at
// once, or with a limit a page that leads to the next.
func TestErrors_forms(t *testing.T) {
	srv := service(t)
	queued(t, srv.Store)
	const many = act.MostRows + 100
	refused(t, srv.Store, many)
	h := New(srv)
	get := func(path, accept string) (*httptest.ResponseRecorder, [][]string) {
		t.Helper()
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(act.WithActor(r.Context(), act.Actor{Kind: act.Operator, UID: -1})))
		if w.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
			return w, nil
		}
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || !slices.Equal(rows[0], errorlist.Table.Head) {
			t.Fatalf("%s: %v, %v", path, rows, err)
		}
		return w, rows[1:]
	}
	path := "/v1/accounts/sender/errors"
	w, rows := get(path, "text/csv")
	if w.Code != 200 || len(rows) != many || w.Header().Get("Link") != "" {
		t.Errorf("all: %d, %d rows, %q", w.Code, len(rows), w.Header().Get("Link"))
	}
	if row := rows[0]; row[1] != "InvalidRecipient" || row[5] != "550 5.1.1 =unknown" || row[10] != "remove" || row[11] != "<1@sender.example>" {
		t.Errorf("%q", row)
	}
	var paged [][]string
	pages := 0
	for next := path + "?limit=600"; next != "" && pages < many; pages++ { // a page also ends when it took long
		w, part := get(next, "application/json;q=0.5, text/csv")
		paged = append(paged, part...)
		next, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
	}
	if pages < 2 || !slices.EqualFunc(paged, rows, slices.Equal) {
		t.Errorf("%d pages have %d rows, all together %d", pages, len(paged), len(rows))
	}
	for _, accept := range []string{"", "*/*", "application/json", "text/csv;q=0.1, application/json"} {
		w, _ := get(path, accept)
		var list []errorlist.Refused
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) == 0 || len(list) > act.MostRows || w.Header().Get("Link") == "" {
			t.Errorf("Accept %q: %d rows, %v, %q", accept, len(list), err, w.Header().Get("Link"))
		}
	}
	for _, path := range []string{"/v1/accounts/nobody/errors", "/v1/accounts/sender/errors?since=x"} {
		if w, _ := get(path, "text/csv"); w.Code < 400 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
}
