package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/term"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/invoice"
	"relay/store"
)

// invoiceFormats are how a document can be shown.
var invoiceFormats = map[string]func(io.Writer, *invoice.Document) error{
	"text": invoice.Text, "html": invoice.HTML, "pdf": invoice.PDF,
}

// showing is the command line of invoice show.
type showing struct{ format, out string }

func (p *program) invoiceShow() *cli.Command {
	var s showing
	c := p.onStore(&cli.Command{
		Name: "show", ArgsUsage: "NUMBER", Usage: "an invoice as text, a web page or PDF",
		Description: `NUMBER is as it is printed, or without the prefix. --out writes a file that is there only when it is whole, and never replaces another; its ending chooses the format where --format does not.

  relay invoice show 17 --out invoice-17.pdf

  relay invoice show 17 --format pdf | lp`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "`text|html|pdf` (default text, or as the file's name ends)", Destination: &s.format},
			&cli.StringFlag{Name: "out", Usage: "`FILE` write it there instead of to standard output", Destination: &s.out},
		},
	}, work{run: func(c *call) error { return c.showInvoice(s.chosen()) }})
	if p.inner != nil {
		return c
	}
	// The file belongs to whoever gave the command, not to the relay that answers it.
	toStdout := c.Action
	c.Action = func(cc *cli.Context) error {
		if err := p.mayShow(&s); err != nil {
			return err
		}
		if s.out == "" {
			return toStdout(cc)
		}
		if _, err := os.Lstat(s.out); err == nil {
			return exit.Fail(exit.Failed, "choose another name: nothing is ever replaced", "%s exists", s.out)
		}
		return p.intoFile(cc, s.out, false, toStdout)
	}
	return c
}

// chosen format: the flag's, the file's, or text.
func (s *showing) chosen() string {
	switch ending := s.ending(); {
	case s.format != "":
		return s.format
	case ending == "htm":
		return "html"
	case ending == "" || ending == "txt":
		return "text"
	default:
		return ending
	}
}

// ending of the file's name.
func (s *showing) ending() string {
	return strings.ToLower(strings.TrimPrefix(filepath.Ext(s.out), "."))
}

// mayShow fails where the output would be of no use.
func (p *program) mayShow(s *showing) error {
	format := s.chosen()
	switch {
	case invoiceFormats[format] == nil && s.format == "":
		return exit.Usage("name one with --format: text, html or pdf", "--out %q: no format has the ending .%s", s.out, s.ending())
	case invoiceFormats[format] == nil:
		return exit.Usage("", "--format %q: text, html or pdf", s.format)
	case p.json && (s.format != "" || s.out != ""):
		return exit.Usage("leave out --format and --out", "--json is a format of its own, on standard output")
	case s.out == "" && format != "text" && term.IsTerminal(p.Stdout):
		return exit.Usage("write a file with --out FILE, or send it elsewhere with a pipe", "%s is not for a terminal", strings.ToUpper(format))
	}
	return nil
}

// intoFile has run write to a file instead of to standard output.
func (p *program) intoFile(cc *cli.Context, path string, force bool, run cli.ActionFunc) error {
	return p.env.IntoFile(cc.Context, path, force, func(w io.Writer) error {
		stdout := p.Stdout
		p.Stdout = w
		defer func() { p.Stdout = stdout }()
		return run(cc)
	})
}

// invoiceWhole is an invoice with all that is on it.
type invoiceWhole struct {
	answer.Payable
	Reason *string       `json:"reason"` // of a credit note; null: none was given
	Seller []string      `json:"seller"`
	Buyer  []string      `json:"buyer"`
	Lines  []answer.Line `json:"lines"`
	Taxes  []taxView     `json:"taxes"`

	Suspends *time.Time `json:"suspends"` // unpaid until then, it holds the account back
}

// taxView is the tax on all lines of one rate.
type taxView struct {
	Rate string `json:"rate"`
	Net  int64  `json:"net"`
	Tax  int64  `json:"tax"`
}

func (c *call) showInvoice(format string) error {
	i, err := c.invoice(c.args[0])
	if err != nil {
		return err
	}
	doc := invoice.New(&i, answer.Documents(c.acts()))
	if c.json {
		return term.Encode(c.Stdout, c.wholeInvoice(&i, doc))
	}
	render := invoiceFormats[format]
	if render == nil {
		return exit.Usage("", "--format %q: text, html or pdf", format)
	}
	var b bytes.Buffer // what fails half way is not shown
	if err := render(&b, doc); err != nil {
		return err
	}
	if format == "pdf" {
		if err := c.tellMissing(doc); err != nil {
			return err
		}
	}
	_, err = c.Stdout.Write(b.Bytes())
	return err
}

// tellMissing names the letters that the PDF does not show as they are.
func (c *call) tellMissing(doc *invoice.Document) error {
	missing, err := invoice.Missing(doc)
	if missing != "" {
		c.note("the fonts of the PDF do not have %s: similar letters or ? stand there; HTML has all", term.Cut(missing, 20))
	}
	return err
}

func (c *call) wholeInvoice(i *store.Invoice, doc *invoice.Document) invoiceWhole {
	v := invoiceWhole{Payable: answer.PayableOf(c.acts(), i), Reason: field.OrNull(i.Reason), Seller: field.OrNone(i.Seller), Buyer: field.OrNone(i.Buyer),
		Lines: answer.LinesOf(i), Taxes: []taxView{}}
	for _, t := range doc.Taxes {
		v.Taxes = append(v.Taxes, taxView{t.Rate.String(), t.Net, t.Tax})
	}
	if v.Open > 0 {
		v.Suspends = field.OrNull(i.Suspends)
	}
	return v
}
