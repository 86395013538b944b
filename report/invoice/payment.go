package invoice

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"relay/report/money"
)

// Placeholders of a template for how to pay.
const Placeholders = "{invoice}, {amount}, {currency} and {account}"

var placeholderRE = regexp.MustCompile(`\{[^{}]*\}`)

// CheckText names the first placeholder that a template should not have.
func CheckText(template string) error {
	for _, p := range placeholderRE.FindAllString(template, -1) {
		switch p {
		case "{invoice}", "{amount}", "{currency}", "{account}":
		default:
			return fmt.Errorf("%s is not known; there are %s", p, Placeholders)
		}
	}
	return nil
}

// CheckLink is CheckText for a template that has to make a web address.
func CheckLink(template string) error {
	if err := CheckText(template); err != nil || template == "" {
		return err
	}
	filled := placeholderRE.ReplaceAllString(template, "1")
	if !webAddress(filled) || strings.ContainsFunc(filled, unprintable) {
		return fmt.Errorf("%q is not a web address such as https://pay.example.org/{invoice}", template)
	}
	return nil
}

// unprintable in a web address (RFC 3986 §2).
func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// FillText fills a template with what is left to pay. The amount is plain,
// "1234.50", to be copied.
func (d *Document) FillText(template string) string {
	return d.fill(template, func(s string) string { return s })
}

// FillLink is FillText with all values escaped (RFC 3986 §2.1), so that they
// may stand anywhere in a web address.
func (d *Document) FillLink(template string) string {
	return d.fill(template, func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") })
}

func (d *Document) fill(template string, escape func(string) string) string {
	return strings.NewReplacer(
		"{invoice}", escape(d.Number),
		"{amount}", escape(money.Plain(d.Left(), d.Currency)),
		"{currency}", escape(d.Currency),
		"{account}", escape(d.Account),
	).Replace(template)
}

// howToPay is the lines of the instructions and the link, while something is
// left to pay. What is no web address is not made a link: it becomes a line.
func (d *Document) howToPay() (lines []string, link string) {
	if d.Left() == 0 {
		return nil, ""
	}
	lines, link = cleanLines(strings.Split(d.Instructions, "\n")), clean(d.Link)
	if link != "" && !webAddress(link) {
		return append(lines, link), ""
	}
	return lines, link
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
