package lists

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
	"unique"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/api/errorlist"
	"relay/report/clean"
	"relay/report/words"
	"relay/store/refusals"
)

// cleaning is one run of the command.
type cleaning struct {
	e *shell.Env

	file, account, errors, column string
	output, removed               string // "-": standard output; "": none
	dedupe, force, dryRun         bool
}

func (c *cleaning) run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	in, size, err := c.input()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := c.outputs()
	if err != nil {
		return err
	}
	defer out.discard()
	list, err := c.entries(ctx)
	if err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // most of what is held has no pointers: it costs little to look often
	bar := term.NewProgress(c.e.Stderr, "cleaning", size)
	defer bar.End()
	res, err := clean.Run(io.TeeReader(until(ctx, in), bar), out.kept, out.gone, clean.Options{Entries: list, Column: c.column, Dedupe: c.dedupe})
	bar.End()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return c.explain(err)
	}
	if err := out.keep(); err != nil {
		return err
	}
	return c.show(res, len(list))
}

// check looks at the flags, and says where the files go that have no name yet.
func (c *cleaning) check() error {
	switch {
	case (c.account == "") == (c.errors == ""):
		return exit.Usage("relay list clean FILE --account NAME, or --errors FILE", "which addresses are to go?")
	case c.file == "-" && c.errors == "-":
		return exit.Usage("give one of them as a file", "standard input cannot be both the list and the errors")
	}
	if c.file == "-" {
		c.output = cmp.Or(c.output, "-")
	} else {
		dir, base := filepath.Split(c.file)
		ext := filepath.Ext(base)
		if ext == base { // ".list" has a name and no extension
			ext = ""
		}
		name := dir + strings.TrimSuffix(base, ext)
		c.output, c.removed = cmp.Or(c.output, name+".clean"+ext), cmp.Or(c.removed, name+".removed.csv")
	}
	switch {
	case c.dryRun:
		c.output, c.removed = "", ""
	case c.removed == "-":
		return exit.Usage("--output - writes what stays there", "--removed must be a file")
	case c.output == "-" && c.e.JSON:
		return exit.Usage("name a file with --output FILE", "what stays goes to standard output, which leaves no room for --json")
	}
	return c.apart()
}

// apart sees that no file is written over one that is read, nor over the other one.
func (c *cleaning) apart() error {
	files := []named{{"FILE", c.file}, {"--errors", c.errors}, {"--output", c.output}, {"--removed", c.removed}}
	for i, one := range files {
		for _, other := range files[max(i+1, 2):] {
			if one.isFile() && other.isFile() && samePlace(one.name, other.name) {
				return exit.Usage("name another file", "%s and %s are the same file", one.flag, other.flag)
			}
		}
	}
	return nil
}

// named is a file, or a stream or none, and the flag that says so.
type named struct{ flag, name string }

func (n named) isFile() bool { return n.name != "" && n.name != "-" }

// samePlace reports whether two names lead to the same file, or will.
func samePlace(a, b string) bool {
	one, err := os.Stat(a)
	other, bad := os.Stat(b)
	if err == nil && bad == nil {
		return os.SameFile(one, other)
	}
	return placeOf(a) == placeOf(b)
}

// placeOf a file that need not be there yet.
func placeOf(name string) string {
	dir, err := filepath.Abs(filepath.Dir(name))
	if is, bad := filepath.EvalSymlinks(dir); err == nil && bad == nil {
		dir = is
	}
	return filepath.Join(dir, filepath.Base(name))
}

// entries are the addresses that go.
func (c *cleaning) entries(ctx context.Context) (clean.Entries, error) {
	if c.account != "" {
		return c.ofAccount(ctx)
	}
	in := c.e.Stdin
	if c.errors != "-" {
		f, err := openUntil(ctx, c.errors)
		if err != nil {
			return nil, exit.Fail(exit.Failed, "see that the name is right, and that the file is there", "%w", err)
		}
		defer f.Close()
		in = f
	}
	list, err := clean.ReadEntries(until(ctx, in))
	if errors.Is(err, clean.ErrNoEntries) {
		return nil, exit.Fail(exit.WrongData, "make one with relay errors NAME --csv", "%s: %w", c.errors, err)
	}
	return list, err
}

// outputs are the files that are written.
type outputs struct {
	kept, gone io.Writer
	files      []*wholefile.File // in the order in which they get their names
	names      []string
	force      bool
}

func (c *cleaning) outputs() (*outputs, error) {
	o := &outputs{kept: io.Discard, gone: io.Discard, force: c.force}
	for _, one := range []struct {
		name string
		to   *io.Writer
	}{{c.removed, &o.gone}, {c.output, &o.kept}} {
		switch one.name {
		case "":
			continue
		case "-":
			*one.to = c.e.Stdout
			continue
		}
		f, err := c.e.NewFile(one.name, c.force)
		if err == nil {
			o.files, o.names = append(o.files, f), append(o.names, one.name)
			err = c.likeList(f)
		}
		if err != nil {
			o.discard()
			return nil, err
		}
		*one.to = f
	}
	return o, nil
}

// likeList gives a file the list's mode, and to root's files its owner: both may be
// readable by the same.
func (c *cleaning) likeList(f *wholefile.File) error {
	info, err := os.Stat(c.file)
	switch {
	case c.file == "-":
		return nil
	case err != nil:
		return err
	case os.Geteuid() == 0:
		return wholefile.KeepOwner(c.file, f.File)
	}
	return f.Chmod(info.Mode().Perm())
}

// keep puts all files on disk before the first gets its name.
func (o *outputs) keep() error {
	for _, f := range o.files {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	for i, f := range o.files {
		if err := f.Keep(); err != nil {
			if i > 0 && !o.force {
				_ = os.Remove(o.names[0]) // half of it would mislead
			}
			return err
		}
	}
	return nil
}

func (o *outputs) discard() {
	for _, f := range o.files {
		f.Discard()
	}
}

// ofAccount asks for the list of errors of an account.
func (c *cleaning) ofAccount(ctx context.Context) (clean.Entries, error) {
	list := clean.Entries{}
	in := &errorlist.Listed{Account: c.account, Advice: refusals.AdviceRemove}
	err := errorlist.List.Each(ctx, c.e.Service, in, 0, func(r *errorlist.Refused) error {
		list.Add(r.Recipient, clean.Entry{Reason: unique.Make(r.Category).Value(), Date: r.Last.UTC().Format(time.RFC3339)})
		return nil
	})
	return list, err
}

// explain says what to do about a list that cannot be cleaned.
func (c *cleaning) explain(err error) error {
	no, ok := errors.AsType[*clean.NoColumn](err)
	switch {
	case ok && len(no.Columns) > 0:
		return exit.Fail(exit.WrongData, "its columns are: "+words.Cut(words.Clean(strings.Join(no.Columns, ", ")), 200), "%s: %w", c.file, err)
	case errors.Is(err, clean.ErrNoAddresses):
		return exit.Fail(exit.WrongData, "name the column with --column NAME, or its number", "%s: %w", c.file, err)
	case errors.Is(err, clean.ErrWorkbook):
		return exit.Fail(exit.WrongData, "save it as CSV there, and clean that file", "%s: %w", c.file, err)
	case errors.Is(err, clean.ErrPacked):
		return exit.Fail(exit.WrongData, "unpack it, and clean what was in it", "%s: %w", c.file, err)
	case errors.Is(err, clean.ErrBinary), errors.Is(err, clean.ErrLongLine):
		return exit.Fail(exit.WrongData, "export the list as CSV, or as text with one address a line", "%s: %w", c.file, err)
	case errors.Is(err, clean.ErrUTF16):
		return exit.Fail(exit.WrongData, "save it as UTF-8", "%s: %w", c.file, err)
	}
	return err
}
