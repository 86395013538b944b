package billing

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/billing"
	"relay/report/words"
)

// showing is the command line of invoice show.
type showing struct{ format, out string }

func invoiceShow(e *shell.Env) *cli.Command {
	var s showing
	return shell.Command(&cli.Command{
		Name: "show", ArgsUsage: "NUMBER", Usage: "an invoice as text, a web page or PDF",
		Description: `NUMBER is the number as printed, or without its prefix. --out writes a new file, which appears only when it is complete; its extension chooses the format unless --format does.

  relay invoice show 17 --out invoice-17.pdf

  relay invoice show 17 --format pdf | lp`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "`text|html|pdf` (default text, or as the file's name ends)", Destination: &s.format},
			&cli.StringFlag{Name: "out", Usage: "`FILE` write it there instead of to standard output", Destination: &s.out},
		},
	}, func(ctx context.Context, args []string) error { return s.show(ctx, e, args[0]) })
}

func (s *showing) show(ctx context.Context, e *shell.Env, number string) error {
	if err := s.check(e); err != nil {
		return err
	}
	if e.JSON {
		return shell.Show(ctx, e, billing.ShowInvoice, &billing.Number{Invoice: number}, nil) // it is for programs
	}
	write := func(w io.Writer) error {
		in := &billing.Document{Number: billing.Number{Invoice: number}, Format: s.chosen()}
		_, err := billing.InvoiceDocument.Copy(ctx, e.Service, in, func(h http.Header) (io.Writer, error) { return w, noteMissing(e, h) })
		return err
	}
	if s.out == "" {
		return write(e.Stdout)
	}
	if _, err := os.Lstat(s.out); err == nil {
		return exit.Fail(exit.Failed, "choose another name: nothing is ever replaced", "%s exists", s.out)
	}
	return e.IntoFile(ctx, s.out, false, write)
}

// noteMissing names the letters that a PDF does not show as they are.
func noteMissing(e *shell.Env, h http.Header) error {
	missing, err := url.PathUnescape(h.Get(billing.MissingHeader))
	if missing != "" {
		e.Note("the fonts of the PDF do not have %s: similar letters or ? stand there; HTML has all", words.Cut(missing, 20))
	}
	return err
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

// check fails where the output would be of no use.
func (s *showing) check(e *shell.Env) error {
	format := s.chosen()
	switch {
	case !billing.IsFormat(format) && s.format == "":
		return exit.Usage("name one with --format: text, html or pdf", "--out %q: no format has the ending .%s", s.out, s.ending())
	case !billing.IsFormat(format):
		return exit.Usage("", "--format %q: text, html or pdf", s.format)
	case e.JSON && (s.format != "" || s.out != ""):
		return exit.Usage("leave out --format and --out", "--json is a format of its own, on standard output")
	case s.out == "" && format != "text" && term.IsTerminal(e.Stdout):
		return exit.Usage("write a file with --out FILE, or send it elsewhere with a pipe", "%s is not for a terminal", strings.ToUpper(format))
	}
	return nil
}
