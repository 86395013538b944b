package tell

import (
	"bytes"
	"encoding/base64"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
)

var decoder mime.WordDecoder

// node is a part of a message, decoded.
type node struct {
	kind, name, text string
	parts            []node
}

func (n node) String() string {
	if n.parts == nil {
		return strings.TrimSpace(n.kind + " " + n.name)
	}
	var list []string
	for _, p := range n.parts {
		list = append(list, p.String())
	}
	return strings.TrimPrefix(n.kind, "multipart/") + "[" + strings.Join(list, ", ") + "]"
}

func (n node) find(kind string) string {
	if n.kind == kind {
		return n.text
	}
	for _, p := range n.parts {
		if text := p.find(kind); text != "" {
			return text
		}
	}
	return ""
}

// read is a message as a mail program reads it.
func read(t *testing.T, content []byte) (mail.Header, node) {
	t.Helper()
	for line := range bytes.SplitSeq(content, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") || slices.ContainsFunc(line, func(b byte) bool { return b >= 0x80 }) {
			t.Fatalf("line %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header, branch(t, m.Header, m.Body)
}

func branch(t *testing.T, h interface{ Get(string) string }, body io.Reader) (n node) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	n.kind = kind
	if !strings.HasPrefix(kind, "multipart/") {
		return leaf(t, n, h, body)
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n.parts = append(n.parts, branch(t, p.Header, p))
	}
}

func leaf(t *testing.T, n node, h interface{ Get(string) string }, body io.Reader) node {
	t.Helper()
	switch h.Get("Content-Transfer-Encoding") {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	_, disposition, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	n.name, n.text = disposition["filename"], string(text)
	return n
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
