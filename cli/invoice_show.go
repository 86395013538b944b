package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

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
		return p.intoFile(cc.Context, s.out, func() error { return toStdout(cc) })
	}
	return c
}

// chosen format: the flag's, the file's, or text.
func (s *showing) chosen() string {
	ending := strings.ToLower(strings.TrimPrefix(filepath.Ext(s.out), "."))
	switch {
	case s.format != "":
		return s.format
	case ending == "htm":
		return "html"
	case invoiceFormats[ending] != nil:
		return ending
	}
	return "text"
}

// mayShow fails where the output would be of no use.
func (p *program) mayShow(s *showing) error {
	format := s.chosen()
	switch {
	case invoiceFormats[format] == nil:
		return usage("", "--format %q: text, html or pdf", s.format)
	case p.json && (s.format != "" || s.out != ""):
		return usage("leave out --format and --out", "--json is a format of its own, on standard output")
	case s.out == "" && format != "text" && isTerminal(p.Stdout):
		return usage("write a file with --out FILE, or send it elsewhere with a pipe", "%s is not for a terminal", strings.ToUpper(format))
	}
	return nil
}

// intoFile has run write to a file instead of to standard output. The file gets
// its name when run is done, and none when it fails.
func (p *program) intoFile(ctx context.Context, path string, run func() error) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return noFile(path, err)
	}
	w, err := newWholeFile(path, false)
	if err != nil {
		return noFile(path, err)
	}
	defer w.discard()
	stdout := p.Stdout
	p.Stdout = w
	err = run()
	p.Stdout = stdout
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if err := w.keep(); err != nil {
		return noFile(path, err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s is written\n", clean(path))
	return err
}

// noFile says why a new file cannot be had; nil: there is one.
func noFile(path string, err error) error {
	f, known := errors.AsType[*failure](err)
	switch {
	case err == nil, known && !isDir(path):
		return fail(exitFailed, "choose another name: nothing is ever replaced", "%s exists", path)
	case known:
		return f
	case errors.Is(err, fs.ErrNotExist):
		return fail(exitFailed, "make it, or choose another place", "there is no directory %s", filepath.Dir(path))
	}
	return fmt.Errorf("write %s: %w", path, err)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// invoiceWhole is an invoice with all that is on it.
type invoiceWhole struct {
	invoiceView
	Reason string            `json:"reason"` // of a credit note
	Seller []string          `json:"seller"`
	Buyer  []string          `json:"buyer"`
	Lines  []invoiceLineView `json:"lines"`
	Link   string            `json:"payment_link"` // "": there is none, or nothing to pay
	Text   string            `json:"payment_text"`

	Suspends time.Time `json:"suspends,omitzero"` // unpaid until then, it holds the account back
}

type invoiceLineView struct {
	Text    string `json:"text"`
	Count   int64  `json:"count"`
	Price   int64  `json:"price"` // of one
	Net     int64  `json:"net"`
	TaxRate string `json:"tax_rate"`
	Tax     int64  `json:"tax"`
}

func (c *call) showInvoice(format string) error {
	i, err := c.invoice(c.args[0])
	if err != nil {
		return err
	}
	doc := invoice.New(&i, c.documents())
	if c.json {
		return encode(c.Stdout, c.wholeInvoice(&i, doc))
	}
	render := invoiceFormats[format]
	if render == nil {
		return usage("", "--format %q: text, html or pdf", format)
	}
	var b bytes.Buffer // what fails half way is not shown
	if err := render(&b, doc); err != nil {
		return err
	}
	_, err = c.Stdout.Write(b.Bytes())
	return err
}

func (c *call) wholeInvoice(i *store.Invoice, doc *invoice.Document) invoiceWhole {
	v := invoiceWhole{invoiceView: c.viewInvoice(i), Reason: i.Reason, Seller: slices.Concat([]string{}, i.Seller), Buyer: slices.Concat([]string{}, i.Buyer),
		Lines: []invoiceLineView{}}
	for _, l := range doc.Lines {
		v.Lines = append(v.Lines, invoiceLineView{l.Text, l.Count, l.Price, l.Net, l.Rate.String(), l.Tax})
	}
	if doc.Left() > 0 {
		v.Link, v.Text, v.Suspends = doc.Link, doc.Instructions, i.Suspends
	}
	return v
}
