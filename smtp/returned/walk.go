package returned

import (
	"bytes"
	"io"
)

// finds are what is kept of a mail.
type finds struct {
	root        *fields // header of the report
	text        text    // first plain text
	loose       text    // of a multipart none of whose parts was found yet: its boundary may be wrong
	charset     string  // of text
	html        bool    // text is HTML
	reports     []*fields
	feedback    *fields
	disposition *fields
	original    *fields // header of the original
}

// walker is at a place in a mail.
type walker struct {
	*finds
	stack   []multipart
	parts   int
	header  *fields // of the entity whose header section is being read; nil: its content is
	message bool    // the header is a message's, not only a part's
	digest  bool    // entities are messages unless they say otherwise (RFC 2046 §5.1.5)
	content sink    // nil: it is not kept
	fields  splitter
	budget  int // for fields of reports
	inside  int // open multiparts when the original began; -1: not in it
}

type multipart struct {
	boundary string
	digest   bool
}

// walk goes through a mail.
func walk(r io.Reader) (*finds, error) {
	w := &walker{finds: &finds{}, inside: -1, budget: maxStatus, header: newFields(maxHeader), message: true}
	w.root = w.header
	in := newLines(r)
	for !w.done() {
		piece, begin, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		w.piece(piece, begin)
	}
	w.close()
	if w.header != nil && w.header != w.root { // cut off in a header
		w.entity()
	}
	if w.parts == 0 && len(w.loose.b) > 0 {
		w.text = w.loose
	}
	return w.finds, nil
}

// done reports whether the rest cannot say more: there is a report and the header of the
// original.
func (w *walker) done() bool {
	switch {
	case w.header != nil:
		return false
	case len(w.stack) == 0: // one text
		return w.content == nil || len(w.text.b) == maxText || len(w.loose.b) == maxText
	}
	return w.content == nil && w.original != nil && (len(w.reports) > 0 || w.feedback != nil || w.disposition != nil)
}

// piece takes a line or a part of one.
func (w *walker) piece(piece []byte, begin bool) {
	if begin && len(piece) > 2 && piece[0] == '-' && piece[1] == '-' && w.delimiter(trimEnd(piece)) {
		return
	}
	switch {
	case w.header != nil && begin:
		if w.header.line(trimEnd(piece)) {
			w.entity()
		}
	case w.header == nil && w.content != nil:
		w.content.write(piece)
	}
}

// delimiter ends parts when a line is the boundary of an open multipart (RFC 2046 §5.1.1). The
// innermost is looked at first.
func (w *walker) delimiter(line []byte) bool {
	for i := len(w.stack) - 1; i >= 0; i-- {
		rest, ok := bytes.CutPrefix(line[2:], []byte(w.stack[i].boundary))
		if !ok {
			continue
		}
		rest = bytes.TrimRight(rest, " \t")
		last := string(rest) == "--"
		if len(rest) > 0 && !last {
			continue
		}
		w.close()
		if w.header != nil && w.message {
			w.entity() // a header without an end is one all the same
			w.close()
		}
		w.header = nil
		if w.inside > i {
			w.inside = -1
		}
		w.digest = w.stack[i].digest
		w.stack = w.stack[:i+1]
		if last {
			w.stack = w.stack[:i]
			return true
		}
		if w.parts++; w.parts <= maxParts {
			w.header, w.message = newFields(maxHeader), false
		}
		return true
	}
	return false
}

// close ends the content of a part.
func (w *walker) close() {
	if w.content != nil {
		w.fields.end()
		w.content = nil
	}
}

// entity has read a header section: what follows is its content.
func (w *walker) entity() {
	h := w.header
	w.header = nil
	if w.message && h != w.root && !w.nested(h) {
		return
	}
	value := h.get("content-type")
	if value == "" && w.digest && !w.message {
		value = "message/rfc822"
	}
	kind, param := contentType(value)
	encoding := h.get("content-transfer-encoding")
	if w.inside >= 0 {
		return
	}
	switch kind {
	case "message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers", "message/news":
		w.inner(encoding)
	case "message/delivery-status", "message/global-delivery-status":
		w.group(encoding, &w.reports)
	case "message/feedback-report":
		w.single(encoding, &w.feedback)
	case "message/disposition-notification", "message/global-disposition-notification":
		w.single(encoding, &w.disposition)
	case "text/plain", "text/html", "text", "":
		w.words(kind == "text/html", param("charset"), encoding)
	default:
		if boundary := param("boundary"); len(kind) > 10 && kind[:10] == "multipart/" && boundary != "" {
			w.open(boundary, kind == "multipart/digest")
		}
		if h == w.root {
			w.fields, w.content = splitter{}, &w.loose
		}
	}
}

// open begins a multipart. Those that are too deep are content like any other.
func (w *walker) open(boundary string, digest bool) {
	if len(w.stack) < maxDepth && len(boundary) <= 200 {
		w.stack = append(w.stack, multipart{boundary, digest})
	}
}

// nested has read the header of a message within the mail. It reports whether to go into it:
// a report that somebody forwards is looked at like one that came directly, the content of an
// original is not.
func (w *walker) nested(h *fields) bool {
	if isReport(h) && !isReport(w.root) && len(w.reports) == 0 && w.feedback == nil {
		w.root, w.text, w.html = h, text{}, false
		return true
	}
	if w.original == nil {
		w.original = h
	}
	w.inside = len(w.stack)
	return false
}

// inner begins a message within the mail, or a header alone.
func (w *walker) inner(encoding string) {
	if w.parts++; w.parts > maxParts {
		return
	}
	h := newFields(maxHeader)
	w.fields = splitter{}
	to := decoded(encoding, &w.fields)
	if to == sink(&w.fields) {
		w.header, w.message = h, true
		return
	}
	ended := false
	w.fields.line = func(line []byte) { // encoded against RFC 2046 §5.2.1: the header only
		ended = ended || h.line(line)
	}
	if w.original == nil {
		w.original = h
	}
	w.content = to
}

// group reads the groups of fields of a delivery status (RFC 3464 §2.1).
func (w *walker) group(encoding string, to *[]*fields) {
	g := &groups{to: to, budget: &w.budget}
	w.fields = splitter{line: g.line}
	w.content = decoded(encoding, &w.fields)
}

// groups takes groups of fields that empty lines part.
type groups struct {
	to     *[]*fields
	budget *int
	open   *fields
}

func (g *groups) line(line []byte) {
	if g.open != nil && (len(line) == 0 || g.open.has("final-recipient") && begins(line, "final-recipient:")) {
		g.open = nil
	}
	if len(line) == 0 || g.open == nil && len(*g.to) > maxReports {
		return
	}
	if g.open == nil {
		g.open = &fields{budget: g.budget}
		*g.to = append(*g.to, g.open)
	}
	g.open.line(line)
}

// begins reports whether a line begins with a name in lower case.
func begins(line []byte, name string) bool {
	return len(line) >= len(name) && bytes.EqualFold(line[:len(name)], []byte(name))
}

// single reads a report of one group of fields.
func (w *walker) single(encoding string, to **fields) {
	f := &fields{budget: &w.budget}
	if *to == nil {
		*to = f
	}
	w.fields = splitter{line: func(line []byte) { f.line(line) }}
	w.content = decoded(encoding, &w.fields)
}

// words keeps a text: the first plain one, or HTML as long as there is none.
func (w *walker) words(html bool, charset, encoding string) {
	if len(bytes.TrimSpace(w.text.b)) > 0 && (html || !w.html) {
		return
	}
	w.text.b, w.charset, w.html = w.text.b[:0], charset, html
	w.fields = splitter{}
	w.content = decoded(encoding, &w.text)
}
