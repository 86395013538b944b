package e2e

import (
	"flag"
	"fmt"
	"html"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var updateFlag = flag.Bool("update", false, "draw docs/sandbox.svg anew")

const picture = "../../docs/sandbox.svg"

// pictured is the run that the picture shows: the turn of a month with overage.
var pictured = []string{"sandbox", "--at", "2026-11-30 23:58", "--speed", "60", "--traffic", "120MB"}

// The picture of the sandbox's screen shows what it writes today.
func TestPicture(t *testing.T) {
	t.Parallel()
	lines := sandboxLines(t)
	if *updateFlag {
		if err := os.WriteFile(picture, []byte(draw(lines)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	svg, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	var drawn []string
	for _, m := range regexp.MustCompile(`<text[^>]*>([^<]*)</text>`).FindAllStringSubmatch(string(svg), -1) {
		drawn = append(drawn, html.UnescapeString(m[1]))
	}
	got, want := lasting(drawn), lasting(lines)
	if !slices.Equal(got, want) {
		t.Errorf("the picture shows %q\nand the sandbox writes %q:\ngo test ./cli/e2e -run TestPicture -update", got, want)
	}
}

// sandboxLines are what a terminal of 80 columns shows, command and first invoice
// included. Without a terminal the output has that width too.
func sandboxLines(t *testing.T) []string {
	t.Helper()
	out := newLogBook()
	cmd := command("relay", pictured...)
	cmd.Path, cmd.Err = binary, nil
	cmd.Stdout = out
	p := execute(t, cmd)
	if _, ok := out.find("    --data ", p.done); !ok {
		t.Fatalf("no payment to enter:\n%s\n%s", out, p.log)
	}
	p.signal(t, os.Interrupt)
	p.wait(t)
	text, rest, _ := strings.Cut(out.String(), "    --data ")
	last, _, _ := strings.Cut(rest, "\n")
	prompt := "$ relay " + strings.ReplaceAll(strings.Join(pictured, " "), pictured[2], `"`+pictured[2]+`"`)
	return append([]string{prompt}, strings.Split(text+"    --data "+last, "\n")...)
}

// lasting are the words of lines that every run has: numbers and names made at random
// are masked, and neither order nor line ends count.
func lasting(lines []string) []string {
	text := strings.Join(lines, " ")
	for _, mask := range []struct{ what, with string }{
		{`in [\d.,]+ m?s\b`, "in time"},
		{`/\S*/relay-\d+`, "DIR"},
		{`\b[A-Z0-9]{26,}\b`, "RANDOM"},
		{`\d+`, "0"},
	} {
		text = regexp.MustCompile(mask.what).ReplaceAllString(text, mask.with)
	}
	words := strings.Fields(text)
	slices.Sort(words)
	return slices.Compact(words)
}

// Measures of the picture, in pixels.
const (
	advance = 7.8 // a character of 13 px
	leading = 18  // a line
	margin  = 16
)

// draw makes a picture of lines: text, so that it can be read aloud, searched and
// compared.
func draw(lines []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13">
<title>relay sandbox: a message, the end of a month, and the invoice for usage over the allowance</title>
<rect width="100%%" height="100%%" rx="8" fill="#16191d"/>
<g fill="#d6dbe1" style="white-space:pre">
`, 80*advance+2*margin, len(lines)*leading+2*margin)
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		if text == "" {
			continue
		}
		colour := ""
		if i == 0 {
			colour = ` fill="#7ee787"`
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" textLength="%.1f"%s xml:space="preserve">%s</text>`+"\n",
			margin+float64(len(line)-len(text))*advance, margin+13+i*leading, float64(utf8.RuneCountInString(text))*advance, colour, html.EscapeString(text))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}
