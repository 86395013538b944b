package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract holds requests and answers against the OpenAPI document. Its schemas are
// JSON Schema 2020-12, which another library than the one that wrote them judges here.
type contract struct {
	doc     openAPI
	schemas *jsonschema.Compiler
}

// openAPI is what a contract reads of the document.
type openAPI struct {
	Paths map[string]map[string]operation
}

type operation struct {
	Parameters []struct {
		Name, In string
		Required bool
		Schema   struct{ Type any }
	}
	RequestBody *struct {
		Required bool
		Content  map[string]json.RawMessage
	}
	Responses map[string]struct {
		Content map[string]json.RawMessage
	}
}

const openAPIDocument = "openapi.json"

// readContract wants the document to be valid itself: testdata has the schema that the
// OpenAPI Initiative publishes for 3.1.
func readContract(t *testing.T, text []byte) *contract {
	t.Helper()
	c := &contract{schemas: jsonschema.NewCompiler()}
	c.schemas.AssertFormat()
	if err := json.Unmarshal(text, &c.doc); err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile("testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{openAPIDocument: text, "published.json": published} {
		if err := c.schemas.AddResource(name, decoded(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.valid("published.json", decoded(t, text)); err != nil {
		t.Errorf("the document: %v", err)
	}
	return c
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// valid holds a value against the schema at a place of the document.
func (c *contract) valid(schema string, value any) error {
	s, err := c.schemas.Compile(schema)
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// place of a schema below an operation, as a JSON pointer (RFC 6901).
func place(route string, names ...string) string {
	method, path, _ := strings.Cut(route, " ")
	at := openAPIDocument + "#"
	for _, name := range append([]string{"paths", path, strings.ToLower(method)}, names...) {
		at += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
	}
	return at
}

func (c *contract) operation(route string) (operation, error) {
	method, path, _ := strings.Cut(route, " ")
	op, ok := c.doc.Paths[path][strings.ToLower(method)]
	if !ok {
		return op, fmt.Errorf("the document has no %s", route)
	}
	return op, nil
}

// request wants its parameters and its body to be as the document says.
func (c *contract) request(t *testing.T, route string, r *http.Request, body string) error {
	t.Helper()
	op, err := c.operation(route)
	if err != nil {
		return err
	}
	query, segments := r.URL.Query(), pathValues(route, r.URL.Path)
	for i, p := range op.Parameters {
		values := query[p.Name]
		if p.In == "path" {
			values = segments[p.Name]
		}
		delete(query, p.Name)
		if p.Required && len(values) == 0 {
			return fmt.Errorf("%s is required", p.Name)
		}
		for _, v := range values {
			if err := c.valid(place(route, "parameters", strconv.Itoa(i), "schema"), parameter(t, v, p.Schema.Type)); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
	if len(query) > 0 {
		return fmt.Errorf("parameters that the document does not name: %v", query)
	}
	switch {
	case body != "" && op.RequestBody == nil:
		return fmt.Errorf("the document knows no body of %s", route)
	case body == "" && (op.RequestBody == nil || !op.RequestBody.Required):
		return nil
	}
	return c.valid(place(route, "requestBody", "content", "application/json", "schema"), decoded(t, []byte(body)))
}

// pathValues are the segments that a route names.
func pathValues(route, path string) map[string][]string {
	_, template, _ := strings.Cut(route, " ")
	names, parts, values := strings.Split(template, "/"), strings.Split(path, "/"), map[string][]string{}
	for i, name := range names {
		if strings.HasPrefix(name, "{") && i < len(parts) {
			values[strings.Trim(name, "{}")] = []string{parts[i]}
		}
	}
	return values
}

// parameter is the value that a text in an address stands for.
func parameter(t *testing.T, text string, kind any) any {
	t.Helper()
	if kind == "string" {
		return text
	}
	return decoded(t, []byte(text))
}

// answer wants an answer's status, type and JSON to be as the document says.
func (c *contract) answer(t *testing.T, route string, resp *http.Response, body []byte) error {
	t.Helper()
	op, err := c.operation(route)
	if err != nil {
		return err
	}
	status := strconv.Itoa(resp.StatusCode)
	if _, ok := op.Responses[status]; !ok {
		status = "default"
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if _, ok := op.Responses[status].Content[kind]; !ok {
		return fmt.Errorf("the document has no answer %d of type %s", resp.StatusCode, kind)
	}
	if !slices.Contains([]string{"application/json", "application/problem+json", "application/x-ndjson"}, kind) {
		return nil
	}
	return c.valid(place(route, "responses", status, "content", kind, "schema"), decoded(t, body))
}
