package letter

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
)

// node is a part of a message, decoded.
type node struct {
	kind  string
	text  string
	parts []node
}

func (n node) String() string {
	if n.parts == nil {
		return n.kind
	}
	var list []string
	for _, p := range n.parts {
		list = append(list, p.String())
	}
	return strings.TrimPrefix(n.kind, "multipart/") + "[" + strings.Join(list, " ") + "]"
}

// read reads a message with all of its parts.
func read(t *testing.T, content []byte) (mail.Header, node) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.SplitSeq(content, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") || !ascii(string(line)) {
			t.Fatalf("line %q", line)
		}
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
		n.text = string(text)
		return n
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
