package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/proof"
	"relay/report/api/act"
	"relay/store"
	"relay/store/books"
	"relay/store/highwater"
)

// said is a message in the source that an operator can meet.
type said struct {
	where string
	code  string // name of the exit code; "": a line of the log
	text  string // … where it varies
	hint  string // likewise
}

// sources are the program's files in dirs and below them, by folder.
func sources(t *testing.T, dirs ...string) (fset *token.FileSet, files map[string][]*ast.File) {
	t.Helper()
	fset, files = token.NewFileSet(), map[string][]*ast.File{}
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join("..", dir), func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(fset, name, nil, 0)
			if err == nil && slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` }) {
				return nil // a suite of tests is not in the program
			}
			folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(name)), "../")
			files[folder] = append(files[folder], f)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return fset, files
}

// exportedTexts are the exported constants of all packages that are plain text, as
// package.Name.
func exportedTexts(files map[string][]*ast.File) map[string]string {
	all := map[string]string{}
	for _, list := range files {
		for name, text := range constants(list) {
			if ast.IsExported(name) {
				all[list[0].Name.Name+"."+name] = text
			}
		}
	}
	return all
}

// constants of a package that are plain text.
func constants(files []*ast.File) map[string]string {
	all := map[string]string{}
	for _, f := range files {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			declared(decl, all)
		}
	}
	return all
}

// declared adds the plain texts of a declaration.
func declared(decl *ast.GenDecl, to map[string]string) {
	for _, s := range decl.Specs {
		spec, ok := s.(*ast.ValueSpec)
		if !ok || len(spec.Names) != len(spec.Values) {
			continue
		}
		for i, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				to[spec.Names[i].Name] = unquoted(lit)
			}
		}
	}
}

func unquoted(lit *ast.BasicLit) string {
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return lit.Value
	}
	return s
}

var verbRE = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// template of an expression that makes a text: … for what is not known here.
func template(e ast.Expr, names map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return verbRE.ReplaceAllString(unquoted(e), "…")
		}
	case *ast.Ident:
		if s, ok := names[e.Name]; ok {
			return s
		}
	case *ast.SelectorExpr:
		if s, ok := names[selected(e)]; ok {
			return s
		}
	case *ast.BinaryExpr:
		return template(e.X, names) + template(e.Y, names)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return template(e.Args[0], names)
		}
	}
	return "…"
}

// selected is package.Name, "" for another expression.
func selected(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if pkg, ok := s.X.(*ast.Ident); ok {
			return pkg.Name + "." + s.Sel.Name
		}
	}
	return ""
}

// nameIn is package.Name of an expression in f, "" for another expression.
func nameIn(f *ast.File, e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok && ast.IsExported(id.Name) {
		return f.Name.Name + "." + id.Name
	}
	return selected(e)
}

// stepRE is an act in a hint.
var stepRE = regexp.MustCompile(`\{([^{}]*)\}`)

// failures are the calls of exit.Fail, and of act.Fail in the service.
func failures(t *testing.T) (list []said) {
	fset, files := sources(t, "cli", "report")
	exported := exportedTexts(files)
	for _, folder := range files {
		global := maps.Clone(exported)
		maps.Copy(global, constants(folder))
		for _, f := range folder {
			list = append(list, failuresOf(fset, f, global)...)
		}
	}
	if len(list) < 60 {
		t.Fatalf("only %d calls of exit.Fail are found", len(list))
	}
	return list
}

// failuresOf a file, where global are the constants that it can name.
func failuresOf(fset *token.FileSet, f *ast.File, global map[string]string) (list []said) {
	names := global
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = maps.Clone(global)
		case *ast.GenDecl:
			declared(n, names)
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 3 {
			return true
		}
		fn := nameIn(f, call.Fun)
		code := nameIn(f, call.Args[0])
		if fn != "exit.Fail" && fn != "act.Fail" || code == "" || code == "exit.WrongUsage" || code == "act.Wrong" {
			return true
		}
		hint := stepRE.ReplaceAllString(template(call.Args[1], names), "relay $1")
		list = append(list, said{fset.Position(call.Pos()).String(), code, template(call.Args[2], names), hint})
		return true
	})
	return list
}

// warnings are what the log says at levels warn and error.
func warnings(t *testing.T) (list []said) {
	fset, files := sources(t, "cli", "smtp", "mailer", "store", "report")
	for _, folder := range files {
		names := constants(folder)
		for _, f := range folder {
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if text := logged(call, names); text != "" && text != "…" {
					list = append(list, said{where: fset.Position(call.Pos()).String(), text: text})
				}
				return true
			})
		}
	}
	if len(list) < 25 {
		t.Fatalf("only %d lines of the log are found", len(list))
	}
	return list
}

// logged is the text of a call that logs a warning or an error, else "".
func logged(call *ast.CallExpr, names map[string]string) string {
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if (fn.Sel.Name == "Warn" || fn.Sel.Name == "Error") && len(call.Args) > 0 {
		return template(call.Args[0], names)
	}
	for i, arg := range call.Args {
		level, ok := arg.(*ast.SelectorExpr)
		if !ok || level.Sel.Name != "LevelWarn" && level.Sel.Name != "LevelError" {
			continue
		}
		text := i + 1
		if fn.Sel.Name == "Often" || fn.Sel.Name == "Fails" { // these have a key first
			text++
		}
		if text < len(call.Args) {
			return template(call.Args[text], names)
		}
	}
	return ""
}

// Every failure says the next step.
func TestMessages_haveHints(t *testing.T) {
	for _, m := range failures(t) {
		if m.hint == "" && strings.Trim(m.text, "…") != "" {
			t.Errorf("%s: %q has no hint", m.where, m.text)
		}
	}
}

const messagesHead = `# Messages

What a command says when it fails, in alphabetical order; … stands for what varies. Each message is followed by a hint, the next step. The page is made from the code. What the log says is in the [guide](guide.md#what-the-log-warns-of), and the most common problems are in the [README](../README.md#when-something-is-wrong).

Wrong usage, exit code 64, is not listed: it names the word that is wrong, and the page that tells more.`

func TestDocs_messages(t *testing.T) {
	codes := map[string]int{"exit.Failed": exit.Failed, "exit.NoAccount": exit.NoAccount, "exit.Unreachable": exit.Unreachable, "exit.TryAgain": exit.TryAgain,
		"exit.Config": exit.Config, "exit.WrongData": exit.WrongData, "exit.NoUser": exit.NoUser, "exit.Refused": exit.Refused, "exit.NotAllowed": exit.NotAllowed}
	ofTypes := map[string]act.Type{"act.Missing": act.Missing, "act.Data": act.Data, "act.Busy": act.Busy, "act.Token": act.Token,
		"act.Forbidden": act.Forbidden, "act.Unreachable": act.Unreachable, "act.Version": act.Version, "act.Settings": act.Settings,
		"act.Refused": act.Refused, "act.NoSuch": act.NoSuch, "act.Internal": act.Internal}
	type row struct{ text, code, hint string }
	rows := map[row]bool{}
	for _, m := range failures(t) {
		code := "…"
		if n, ok := codes[m.code]; ok {
			code = strconv.Itoa(n)
		} else if n, ok := ofTypes[m.code]; ok {
			code = strconv.Itoa(exit.CodeOf(n))
		}
		if strings.Trim(m.text, "…: ") != "" { // what comes from below is listed below
			rows[row{m.text, code, m.hint}] = true
		}
	}
	for _, err := range []error{store.ErrLocked, store.ErrFull, store.ErrBusy, store.ErrNewer, books.ErrCurrency, proof.ErrDamaged, highwater.ErrDamaged, control.ErrDenied, control.ErrBroken, os.ErrPermission, os.ErrNotExist} {
		f := exit.Of(err)
		if f.Hint == "" {
			t.Errorf("%v has no hint", err)
		}
		rows[row{"… " + err.Error(), strconv.Itoa(f.Code), f.Hint}] = true
	}
	var p page
	for par := range strings.SplitSeq(messagesHead, "\n\n") {
		p.text(par)
	}
	p.line("| message | code | next step |\n|---|---|---|")
	key := func(r row) string { return strings.ToLower(strings.TrimLeft(r.text, "…: \"")) + r.hint }
	for _, r := range slices.SortedFunc(maps.Keys(rows), func(a, b row) int { return strings.Compare(key(a), key(b)) }) {
		hint := r.hint
		if hint == "…" {
			hint = "see the hint: it depends on the cause"
		}
		p.line("| %s | %s | %s |", cell(literal(r.text)), r.code, cell(literal(hint)))
	}
	generated(t, "messages.md", p.String())
}

// What the log warns of stands in the guide, or in the README.
func TestDocs_warnings(t *testing.T) {
	pages := readDocs(t, "../README.md", "../docs/guide.md")
	for _, w := range warnings(t) {
		first, _, _ := strings.Cut(strings.ReplaceAll(w.text, "…", ""), ":")
		first, _, _ = strings.Cut(first, ";")
		if !strings.Contains(pages, "`"+strings.TrimSpace(first)) {
			t.Errorf("%s: the log says %q; neither the guide nor the README tells about `%s`", w.where, w.text, strings.TrimSpace(first))
		}
	}
}

// The words that the README and the guide tell people to look for are in the
// source.
func TestDocs_wordsExist(t *testing.T) {
	var all strings.Builder
	_, files := sources(t, "cli", "smtp", "mailer", "store", "quota", "report")
	for _, folder := range files {
		for _, f := range folder {
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					all.WriteString(unquoted(lit) + "\n")
				}
				return true
			})
		}
	}
	source := all.String()
	for _, c := range []struct{ page, from, to string }{
		{"../README.md", "## When something is wrong", "\n## "},
		{"../docs/guide.md", "## When things go wrong", "\n## "},
	} {
		_, text, ok := strings.Cut(readDocs(t, c.page), c.from)
		if !ok {
			t.Errorf("%s has no %q", c.page, c.from)
			continue
		}
		text, _, _ = strings.Cut(text, c.to)
		rows := regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(text, -1)
		if len(rows) < 10 {
			t.Errorf("%s: %d rows", c.page, len(rows))
		}
		for _, row := range rows {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
				for part := range strings.SplitSeq(m[1], "…") { // what varies
					if part = strings.TrimSpace(part); part != "" && !strings.Contains(source, part) {
						t.Errorf("%s: %q is nowhere in the source", c.page, part)
					}
				}
			}
		}
	}
}

func readDocs(t *testing.T, files ...string) string {
	t.Helper()
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
