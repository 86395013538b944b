package invoice

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"relay/report/money"
)

// Placeholders of a template that the operator writes, two at least, in the order in which
// they are listed and filled in.
type Placeholders []string

// HowToPay are those of a template for how to pay.
var HowToPay = Placeholders{"{invoice}", "{amount}", "{currency}", "{account}"}

var placeholderRE = regexp.MustCompile(`\{[^{}]*\}`)

// CheckText names the first placeholder that a template should not have.
func (p Placeholders) CheckText(template string) error {
	for _, is := range placeholderRE.FindAllString(template, -1) {
		if !slices.Contains(p, is) {
			last := len(p) - 1
			return fmt.Errorf("%s is not known; there are %s and %s", is, strings.Join(p[:last], ", "), p[last])
		}
	}
	return nil
}

// CheckLink is CheckText for a template that has to make a web address.
func (p Placeholders) CheckLink(template string) error {
	if err := p.CheckText(template); err != nil || template == "" {
		return err
	}
	filled := placeholderRE.ReplaceAllString(template, "1")
	if !webAddress(filled) || strings.ContainsFunc(filled, unprintable) {
		return fmt.Errorf("%q is not a web address such as https://pay.example.org/%s", template, p[0])
	}
	return nil
}

// FillText puts values in the places of the placeholders. What looks like one in a
// value stays what it is.
func (p Placeholders) FillText(template string, values ...string) string {
	pairs := make([]string, 0, 2*len(p))
	for i, is := range p {
		pairs = append(pairs, is, values[i])
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// FillLink is FillText with all values escaped (RFC 3986 §2.1), so that they may
// stand anywhere in a web address.
func (p Placeholders) FillLink(template string, values ...string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = strings.ReplaceAll(url.QueryEscape(v), "+", "%20")
	}
	return p.FillText(template, escaped...)
}

// unprintable in a web address (RFC 3986 §2).
func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// FillText fills a template with what is left to pay. The amount is plain,
// "1234.50", to be copied.
func (d *Document) FillText(template string) string {
	return HowToPay.FillText(template, d.values()...)
}

// FillLink is FillText for a web address.
func (d *Document) FillLink(template string) string {
	return HowToPay.FillLink(template, d.values()...)
}

// values of HowToPay.
func (d *Document) values() []string {
	return []string{d.Number, money.Plain(d.Left(), d.Currency), d.Currency, d.Account}
}

// howToPay is the lines of the instructions and the link, while something is
// left to pay.
func (d *Document) howToPay() (lines []string, link string) {
	if d.Left() == 0 {
		return nil, ""
	}
	return Shown(d.Instructions, d.Link)
}

// Shown is what is shown of filled templates: clean lines, and the link. What is no
// web address is not made a link: it becomes a line.
func Shown(text, link string) (lines []string, address string) {
	lines, link = cleanLines(strings.Split(text, "\n")), Clean(link)
	if link != "" && !webAddress(link) {
		return append(lines, link), ""
	}
	return lines, link
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
