package returned

import (
	"strings"

	"golang.org/x/net/html"
)

// prose is a text, line by line, as written and in lower case.
type prose struct {
	lines, lower []string
	all          string // lower case
}

// prose reads the text that was kept.
func (f *finds) prose() *prose {
	s := inUTF8(f.text.b, f.charset)
	if f.html {
		s = fromHTML(s)
	}
	s = strings.ReplaceAll(s, "\u2019", "'")
	p := &prose{lines: strings.Split(strings.ReplaceAll(s, "\r", ""), "\n")}
	p.lower = make([]string, len(p.lines))
	for i, line := range p.lines {
		if len(line) > maxReply {
			line = strings.ToValidUTF8(line[:maxReply], "")
		}
		p.lines[i] = strings.ReplaceAll(line, "\u00a0", " ")
		p.lower[i] = strings.ToLower(p.lines[i])
	}
	p.all = strings.Join(p.lower, "\n")
	return p
}

// blocks are the elements that end a line of text.
var blocks = map[string]bool{"p": true, "br": true, "div": true, "tr": true, "td": true, "li": true, "h1": true, "h2": true, "h3": true, "h4": true, "pre": true, "table": true, "blockquote": true}

// fromHTML leaves the words of a page.
func fromHTML(s string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	z.SetMaxBuf(maxText)
	for skip := ""; ; {
		switch z.Next() {
		case html.ErrorToken:
			return out.String()
		case html.TextToken:
			if skip == "" {
				out.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			name, _ := z.TagName()
			switch tag := string(name); {
			case tag == skip:
				skip = ""
			case skip == "" && (tag == "style" || tag == "script" || tag == "title"):
				skip = tag
			case blocks[tag]:
				out.WriteByte('\n')
			}
		}
	}
}

// find returns the line after from that has one of the words; the number of lines: none.
func (p *prose) find(from int, words []string) int {
	for i := from; i < len(p.lower); i++ {
		if containsAny(p.lower[i], words) {
			return i
		}
	}
	return len(p.lower)
}

// findStart is find for words that begin a line.
func (p *prose) findStart(from int, words []string) int {
	for i := from; i < len(p.lower); i++ {
		line := strings.TrimLeft(p.lower[i], " \t")
		for _, w := range words {
			if strings.HasPrefix(line, w) {
				return i
			}
		}
	}
	return len(p.lower)
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// header reads header fields that a text has from a line on.
func (p *prose) header(from int) *fields {
	h := newFields(maxHeader)
	begun := false
	for _, line := range p.lines[min(from, len(p.lines)):] {
		line = strings.TrimPrefix(line, "> ")
		switch {
		case line == "" && !begun:
		case line == "" && len(h.list) > 0 && h.has("message-id"):
			return h
		case line == "": // an empty line between the marker's sentence and the header
		default:
			begun = true
			h.line([]byte(line))
		}
	}
	return h
}

// quotedID is a Message-ID that the text names.
func (p *prose) quotedID() string {
	for i, line := range p.lower {
		if at := strings.Index(line, "message-id:"); at >= 0 {
			rest := p.lines[i][min(at+len("message-id:"), len(p.lines[i])):]
			if i+1 < len(p.lines) {
				rest += " " + p.lines[i+1]
			}
			if id := messageID(rest); id != "" {
				return id
			}
		}
	}
	return ""
}
