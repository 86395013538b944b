package letter

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// everything is a page with each kind of block.
const everything = `seller: Rossi Hosting S.r.l.
subject: Rossi: a report
title: A report

A paragraph with **strong words**, a [[https://example.org/a?b=1&c=2|link]] and [[javascript:x|none]],
over two lines.

== Empty

== Facts

% Bandwidth | 482 MB of 500 MB (96%) | 96
% E-mails | 60,000 of 50,000 (120%) | 120
% Calls | 12, no limit |
| Plan | bronze |
| Reference | |
| A name that is rather long indeed | A value that is long enough to take more than one line of the page |

== A table

|= Provider | Delivered | Failed |
| Google, which has a name of many words that never seems to end | 1,200 | 3 |
| GMX | 90 | - |

- one item
  that goes on
- another item

> relay source list
> relay source check 192.0.2.25

[[https://example.org/upgrade|Upgrade]]
[[javascript:alert(1)|Do not]]

@ Twelve days, the 3rd with most.

-- Sent by Rossi.
-- You can choose.
`

func TestPage_golden(t *testing.T) {
	p := Parse(everything)
	p.Language = "en"
	html, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "page.txt", p.Subject+"\n\n"+p.Text())
	golden(t, "page.html", html)
	if !p.HasChart() {
		t.Error("the page has no chart")
	}
}

// A value is text wherever it stands: it makes no block, no mark, no field and no tag.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"| a | b |", "== x", "**b**", "[[https://x.example|y]]", "\n\n== x", "- x", "\nsubject: x", "<img src=x>", "% a | b | 3", "@ x", "--", "\U000F007C", "שלום | x", "\u00a0"})).Draw(t, "value")
		q := Quote(value)
		p := Parse(fmt.Sprintf("subject: %s\ntitle: t\n\n%s\n\n== H\n\n| a | %s |\n\n- %s\n", q, q, q, q))
		p.Language = "en"
		shown := unquote(q)
		if want := strings.TrimSpace(shown); p.Subject != want {
			t.Fatalf("subject %q, want %q", p.Subject, want)
		}
		kinds := ""
		for _, b := range p.Blocks {
			kinds += b.Kind.String() + " "
		}
		want := "paragraph heading facts list "
		if shown == "" {
			want = ""
		}
		if kinds != want {
			t.Fatalf("%q: blocks %q, want %q", value, kinds, want)
		}
		for _, b := range p.Blocks {
			for _, line := range append(b.Items, b.Text) {
				if len(line) > 1 || len(line) == 1 && (line[0].Strong || line[0].Link != "") {
					t.Fatalf("%q: %v", value, line)
				}
			}
		}
		html, err := p.HTML()
		if err != nil || strings.Contains(html, "<img") || strings.Contains(html, "<a ") {
			t.Fatalf("%v\n%s", err, html)
		}
	})
}

// A text that runs from right to left leaves the words around it where they are.
func TestQuote_direction(t *testing.T) {
	if got := Parse("title: x\n\nAccount " + Quote("שלום") + " ends.").Blocks[0].Text.plain(); got != "Account \u2068שלום\u2069 ends." {
		t.Errorf("%q", got)
	}
}

func TestLetter_Build_parts(t *testing.T) {
	l := Letter{Host: "smtp.example.org", From: "reports@rossi.example", Name: "Rossi", To: "boss@acme.example", ID: "01ARZ3", Subject: "x", Text: "a\n", HTML: "<p>a</p>\n", Topic: "month", Language: "de", Choice: "https://example.org/choice"}
	for want, l := range map[string]Letter{
		"alternative[text/plain, text/html]":                                                                                     l,
		"alternative[text/plain, related[text/html, image/png chart.png]]":                                                       with(l, []byte("png")),
		"mixed[alternative[text/plain, text/html], text/csv errors.csv]":                                                         with(l, nil, File{"errors.csv", "text/csv; charset=utf-8", []byte(strings.Repeat("ä,b\r\n", 500))}),
		"mixed[alternative[text/plain, related[text/html, image/png chart.png]], text/csv errors.csv, application/pdf R-17.pdf]": with(l, []byte("png"), File{"errors.csv", "text/csv", nil}, File{"R-17.pdf", "application/pdf", []byte("%PDF")}),
	} {
		m, err := l.Build()
		if err != nil {
			t.Fatal(err)
		}
		h, tree := read(t, m.Content)
		if tree.String() != want {
			t.Errorf("%s, want %s", tree, want)
		}
		if h.Get("List-Id") != "<month.reports.smtp.example.org>" || h.Get("Content-Language") != "de" || h.Get("List-Unsubscribe") != "<https://example.org/choice>" {
			t.Errorf("%v", h)
		}
	}
}

func with(l Letter, picture []byte, files ...File) Letter {
	l.Picture, l.Files = picture, files
	return l
}
