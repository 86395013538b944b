// Package mimetree reads a message as mail programs do, with all of its parts. Tests of the
// mail that relay writes use it.
package mimetree

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
)

// Node is a part of a message, decoded.
type Node struct {
	Kind  string // "text/html"
	Name  string // of a file; "": none
	Text  string // of a part without parts
	Parts []Node
}

// Read reads a message. It fails for one that is not 7-bit, or has lines that SMTP does not
// carry.
func Read(content []byte) (mail.Header, Node, error) {
	for line := range bytes.SplitSeq(content, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") || slices.ContainsFunc(line, func(b byte) bool { return b >= 0x80 }) {
			return nil, Node{}, fmt.Errorf("line %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return nil, Node{}, err
	}
	n, err := part(m.Header, m.Body)
	return m.Header, n, err
}

func part(h interface{ Get(string) string }, body io.Reader) (n Node, err error) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return n, err
	}
	if n.Kind = kind; !strings.HasPrefix(kind, "multipart/") {
		return leaf(n, h, body)
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		is, err := part(p.Header, p)
		if err != nil {
			return n, err
		}
		n.Parts = append(n.Parts, is)
	}
}

func leaf(n Node, h interface{ Get(string) string }, body io.Reader) (Node, error) {
	switch h.Get("Content-Transfer-Encoding") {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	n.Text = string(text)
	if d := h.Get("Content-Disposition"); d != "" && err == nil {
		var params map[string]string
		_, params, err = mime.ParseMediaType(d)
		n.Name = params["filename"]
	}
	return n, err
}

// String shows the kinds and files of a tree: "mixed[text/plain, text/csv errors.csv]".
func (n Node) String() string {
	if n.Parts == nil {
		return strings.TrimSpace(n.Kind + " " + n.Name)
	}
	var list []string
	for _, p := range n.Parts {
		list = append(list, p.String())
	}
	return strings.TrimPrefix(n.Kind, "multipart/") + "[" + strings.Join(list, ", ") + "]"
}

// Find returns the text of the first part of a kind; "": there is none.
func (n Node) Find(kind string) string {
	if n.Kind == kind {
		return n.Text
	}
	for _, p := range n.Parts {
		if text := p.Find(kind); text != "" {
			return text
		}
	}
	return ""
}
