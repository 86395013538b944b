// Package wording has the words of relay's own mail: a template file for each kind of mail
// and language, in English, German and Italian, and those that the operator has in place
// of them.
//
//  1. A file NAME.txt is a template (text/template) that makes the markup of a page; see
//     package letter for the markup. It begins with the fields subject and title. parts.txt
//     of the same language has what several mails say.
//  2. Load reads all of them, the operator's before relay's, and checks each: it has to
//     parse, and may only name fields and functions that are there.
//  3. Each value that a template writes is quoted (letter.Quote), by an addition to each
//     action of the parsed template, so that no value makes markup, a header or HTML.
//
// Files are only read, by Load; a Set does not change. Relay's own templates are compiled into
// it: Relays parses each when it is first needed. A file of the operator that has a
// mistake is reported with name and line, and relay's own is used in its place: mail is never
// left out for it.
package wording

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/template"

	"relay/report/letter"
	"relay/report/words"
)

//go:embed */*.txt
var builtIn embed.FS

// parts is the file that has what several mails of a language say.
const parts = "parts"

// Set has the templates of all languages. Its words do not change.
type Set struct {
	langs map[string]*language
	view  any
	texts map[string]string // of the operator's files, by path
}

// language has the templates of one.
type language struct {
	mails, own map[string]*template.Template // own: relay's, where the operator has others
	late       *late                         // nil: all were parsed by Load
}

// late parses relay's own templates of a language when they are needed.
type late struct {
	mu     sync.Mutex
	base   *template.Template // nil: none was needed yet
	parsed map[string]*template.Template
}

// Relays are relay's own templates, which are good: a test loads them. There are many, and
// most programs that hold them write no mail, so each is parsed for the first mail of its kind.
func Relays(view any) *Set {
	s := &Set{langs: map[string]*language{}, view: view}
	for _, l := range words.Languages {
		s.langs[string(l)] = &language{late: &late{parsed: map[string]*template.Template{}}}
	}
	return s
}

// find returns the template of a mail, and relay's own; nil: there is no such kind.
func (s *Set) find(lang, name string) (mail, own *template.Template) {
	l := s.langs[lang]
	if l.late == nil {
		return l.mails[name], l.own[name]
	}
	own = s.parseLate(l.late, lang, name)
	return own, own
}

func (s *Set) parseLate(l *late, lang, name string) *template.Template {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.parsed[name]; t != nil {
		return t
	}
	files, _ := read("", lang, name)
	if len(files) == 0 || name == parts {
		return nil
	}
	if l.base == nil {
		l.base, _ = s.base("", lang)
	}
	t, err := s.parse(l.base, files[0])
	if err != nil {
		return nil
	}
	l.parsed[name] = t
	return t
}

// Names of the templates there are, in order, without parts.
func Names() (list []string) {
	files, err := fs.Glob(builtIn, "en/*.txt")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".txt"); name != parts {
			list = append(list, name)
		}
	}
	return list
}

// Source of relay's own template, for an operator to begin with.
func Source(lang, name string) (string, bool) {
	text, err := builtIn.ReadFile(lang + "/" + name + ".txt")
	return string(text), err == nil
}

// Load reads relay's templates and those below dir, "" being none. view is a value of the
// type that pages are made of. The Set is good whatever the error: what is wrong is not in
// it. The error has a line for each mistake.
func Load(dir string, view any) (*Set, error) {
	s := &Set{langs: map[string]*language{}, view: view, texts: map[string]string{}}
	var wrong []error
	if dir != "" {
		if _, err := os.ReadDir(dir); err != nil {
			wrong = append(wrong, err)
		}
	}
	for _, language := range words.Languages {
		lang := string(language)
		l, errs := s.load(dir, lang)
		s.langs[lang] = l
		wrong = append(wrong, errs...)
	}
	return s, errors.Join(wrong...)
}

// file is a template file as it was read.
type file struct {
	path string
	text string
	own  bool // the operator's
}

// read finds a template: the operator's, else relay's in the language, else in English.
func read(dir, lang, name string) (list []file, err error) {
	if dir != "" {
		path := filepath.Join(dir, lang, name+".txt")
		text, e := readFile(path)
		if e == nil {
			list = append(list, file{path, text, true})
		} else if !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}
	for _, lang := range []string{lang, string(words.English)} {
		if text, ok := Source(lang, name); ok {
			return append(list, file{lang + "/" + name + ".txt", text, false}), err
		}
	}
	return list, err
}

// mostTemplate is far more than a mail's words have, and mostMarkup than a mail.
const (
	mostTemplate = 256 << 10
	mostMarkup   = 1 << 20
)

// readFile reads a file of the operator's, which may be something else: relay neither waits for
// a pipe, nor reads what has no end.
func readFile(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, mostTemplate+1))
	if len(text) > mostTemplate {
		return "", fmt.Errorf("%s has more than %s", path, words.Octets(mostTemplate))
	}
	return string(text), err
}

// note remembers what the operator wrote.
func (s *Set) note(f file) {
	if f.own {
		s.texts[f.path] = f.text
	}
}

// Same reports whether two sets have the same words.
func (s *Set) Same(other *Set) bool { return maps.Equal(s.texts, other.texts) }

// Own are the names of the mails of a language, in order, that have words of the operator's.
func (s *Set) Own(lang string) (list []string) {
	l := s.langs[lang]
	for _, name := range Names() {
		if l.mails[name] != l.own[name] {
			list = append(list, name)
		}
	}
	return list
}

// load reads a language.
func (s *Set) load(dir, lang string) (*language, []error) {
	l := &language{mails: map[string]*template.Template{}, own: map[string]*template.Template{}}
	base, errs := s.base(dir, lang)
	plain := base
	if dir != "" {
		plain, _ = s.base("", lang)
		errs = append(errs, strangers(dir, lang)...)
	}
	for _, name := range Names() {
		files, err := read(dir, lang, name)
		if err != nil {
			errs = append(errs, err)
		}
		for _, f := range files {
			s.note(f)
			on := base
			if !f.own {
				on = plain
			}
			t, err := s.parse(on, f)
			switch {
			case err != nil:
				errs = append(errs, err)
			case f.own:
				l.mails[name] = t
			default:
				l.own[name] = t
				if l.mails[name] == nil && s.texts[filepath.Join(dir, lang, parts+".txt")] != "" {
					l.mails[name], _ = s.parse(base, f) // with the operator's parts
				}
			}
		}
		if l.mails[name] == nil {
			l.mails[name] = l.own[name]
		}
	}
	return l, errs
}

// base has the parts of a language.
func (s *Set) base(dir, lang string) (*template.Template, []error) {
	var errs []error
	files, err := read(dir, lang, parts)
	if err != nil {
		errs = append(errs, err)
	}
	slices.Reverse(files) // the operator's parts are read over relay's
	base := template.New(parts).Option("missingkey=error").Funcs(functions(lang))
	for _, f := range files {
		s.note(f)
		t, err := base.Clone()
		if err == nil {
			t, err = t.New(f.path).Parse(joined(f.text))
		}
		if err != nil {
			errs = append(errs, plainer(f.path, err))
			continue
		}
		base = t
	}
	return base, errs
}

// parse reads a template over parts, checks it and has its values quoted.
func (s *Set) parse(base *template.Template, f file) (*template.Template, error) {
	t, err := base.Clone()
	if err == nil {
		t, err = t.New(f.path).Parse(joined(f.text))
	}
	if err != nil {
		return nil, plainer(f.path, err)
	}
	if err := check(t, s.view); err != nil {
		return nil, err
	}
	quoteAll(t)
	return t, nil
}

// plainer takes away what text/template puts before name and line.
func plainer(path string, err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	if !strings.HasPrefix(text, path) {
		text = path + ": " + text
	}
	return errors.New(text)
}

// strangers are files of the operator that no mail is made of.
func strangers(dir, lang string) (errs []error) {
	files, err := os.ReadDir(filepath.Join(dir, lang))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return []error{err}
	}
	for _, f := range files {
		name, is := strings.CutSuffix(f.Name(), ".txt")
		if is && name != parts && !slices.Contains(Names(), name) {
			errs = append(errs, fmt.Errorf("%s: there is no kind of mail %q; relay report list has them", filepath.Join(dir, lang, f.Name()), name))
		}
	}
	return errs
}

// Page makes a page of a view. Where the operator's template fails, relay's own makes it,
// and the error says why; without a page the error is about both.
func (s *Set) Page(lang, name string, view any) (*letter.Page, error) {
	if s.langs[lang] == nil {
		lang = string(words.English)
	}
	mail, own := s.find(lang, name)
	if mail == nil {
		return nil, fmt.Errorf("there is no kind of mail %q", name)
	}
	markup, err := execute(mail, view)
	if err != nil {
		var e error
		if markup, e = execute(own, view); e != nil {
			return nil, e
		}
	}
	p := letter.Parse(words.Language(lang).Elide(markup))
	p.Language = lang
	return p, err
}

func execute(t *template.Template, view any) (string, error) {
	var b bounded
	if err := t.Execute(&b, view); err != nil {
		return "", plainer(t.Name(), err)
	}
	return b.String(), nil
}

// bounded takes no more than a mail can have: a template may make more without an end.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > mostMarkup {
		return 0, fmt.Errorf("it makes more than %s", words.Octets(mostMarkup))
	}
	return b.Builder.Write(p)
}
