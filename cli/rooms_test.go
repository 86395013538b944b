package cli_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms lists what a folder may import of this module. The longest name that leads to
// a package holds for it. "store" is that package and all below it, "store/" only
// those below it. ARCHITECTURE.md has the picture.
var rooms = map[string]string{
	".":                       "cli",
	"cli":                     "cli/ smtp mailer report store quota",
	"cli/e2e":                 "cli",
	"smtp":                    "smtp/ store quota report/words report/money",
	"mailer":                  "mailer/ " + spool + " report/words report/money", // the spool and what delivery has: no accounts, no money
	"report":                  "report/ store quota",
	"report/api":              "report/ store quota mailer/verdict mailer/client mailer/records", // what replies mean, and at which stages; what the DNS shows of domains
	"report/digest":           "report/ store quota mailer/verdict",                              // replies that no rule knew
	"report/money":            "quota",
	"report/words":            "report/money store quota",
	"report/forecast":         "report/words store quota",
	"report/jobs":             "report/jobs/ report/invoice report/letter report/tell report/tlsreport report/money report/words store quota mailer/records mailer/route mailer/source mailer/blocklist",
	"report/api/act":          "report/invoice report/jobs report/money report/words store quota mailer/verdict mailer/records",
	"store":                   "store/ quota",
	"store/abuse":             "store/books store/bucket store/ledger store/news store/orders store/outcomes store/room store/signs store/strangers",
	"store/behalf":            "store/bucket store/engine store/room",
	"store/bodies":            "store/bodyhash store/bucket store/quiet store/room store/spooled",
	"store/bolt":              "store/engine store/syncdir",
	"store/books":             "store/bucket store/engine store/highwater store/ledger store/mailsyntax store/news store/people store/room quota", // nothing of the spool
	"store/bucket":            "store/engine",
	"store/engine":            "store/engine/ store/meter",
	"store/envelope":          "store/bucket store/mailreply store/room store/signing store/spooled",
	"store/engine/memory":     "store/engine",
	"store/engine/enginetest": "store/engine store/testdisk",
	"store/access":            "store/behalf store/bucket store/news store/people store/room quota",
	"store/people":            "store/behalf store/bucket store/engine store/room quota",
	"store/chores":            "store/bucket store/engine store/room",
	"store/joblog":            "store/bucket store/engine store/news store/room",
	"store/news":              "store/bucket store/engine store/people store/room store/signs",
	"store/room":              "store/room/ store/bucket store/engine",
	"store/room/roomtest":     "store/bolt store/bucket store/engine store/room store/testdisk",
	"store/known":             "store/bucket store/room store/spooled",
	"store/ledger":            "store/signs quota",
	"store/orders":            "store/behalf store/books store/bucket store/ledger store/mailsyntax store/people store/room store/signs quota", // nothing of the spool
	"store/outcomes":          "store/bucket store/engine store/room store/spooled",
	"store/overview":          "store/abuse store/access store/books store/bucket store/ledger store/orders store/outcomes store/people store/refusals store/remark store/room store/signs store/standing quota",
	"store/refusals":          "store/behalf store/bucket store/engine store/maildomain store/room",
	"store/returns":           "store/abuse store/bodies store/books store/bucket store/delivered store/engine store/maildomain store/mailreply store/meter store/news store/outcomes store/quiet store/refusals store/room store/sent store/signs store/spool store/spooled store/strangers store/trace",
	"store/signs":             "",
	"store/standing":          "store/access store/behalf store/books store/bucket store/ledger store/news store/orders store/outcomes store/people store/room quota",
	"store/delivered":         "store/bucket store/engine store/quiet store/room store/sent store/spooled",
	"store/spool":             "store/bodies store/bodyhash store/bucket store/chores store/delivered store/egress store/engine store/envelope store/mailreply store/news store/outcomes store/people store/quiet store/refusals store/room store/signing store/signs store/sites store/spooled store/strangers store/trace", // nothing of accounts and books
	"store/strangers":         "store/bucket store/chores store/engine store/known store/news store/outcomes store/record store/refusals store/room store/spooled",
	"store/spooled":           "store/mailreply store/mailsyntax store/room store/signing",
	"store/trace":             "store/bucket store/engine store/mailreply store/room store/spooled",
	"store/remark":            "store/bucket store/room",
	"store/egress":            "store/bucket store/room",
	"store/sites":             "store/bucket store/engine store/mailreply store/room",
	"store/signing":           "store/behalf store/bucket store/engine store/room",
	"store/secret":            "store/people", // what a credential is
	"quota":                   "",
}

// spool is what the mailer sees of the store.
const spool = "store/bodies store/egress store/eventlog store/maildomain store/mailreply store/mailsyntax store/meter store/quiet store/record " +
	"store/refusals store/room store/signing store/signs store/sites store/spool store/spooled store/strangers store/trace"

// homes are the only rooms that may import a library.
var homes = map[string]string{
	"go.etcd.io/bbolt":                 "store/bolt",
	"github.com/tidwall/btree":         "store/engine/memory",
	"github.com/urfave/cli/v2":         "cli",
	"github.com/danielgtaylor/huma/v2": "report/api",
	"github.com/dustin/go-humanize":    "report/words",
	"github.com/bojanz/currency":       "report/money",
	"codeberg.org/go-pdf/fpdf":         "report/invoice",
	"github.com/go-analyze/charts":     "report/chart",

	"github.com/prometheus/client_golang": "report/metrics",
}

// forTests are packages that no program has in it.
const forTests = "store/engine/enginetest store/engine/memory store/room/roomtest store/testdisk"

// The most that a package may hold, tests not counted.
const (
	mostLines = 3000
	mostFiles = 30
)

// topLevel is all that stands there, files whose names begin with a dot apart.
const topLevel = "main.go go.mod go.sum README.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE Makefile Dockerfile " +
	"cli smtp mailer report store quota testdata docs"

const (
	module = "relay"
	root   = ".."
)

// source is a Go file of ours.
type source struct {
	name  string // from the top level, as in smtp/session.go
	test  bool
	lines int
	text  []byte
	file  *ast.File
}

// sources are all Go files by package, as the go command finds them.
func sources(t *testing.T) map[string][]source {
	t.Helper()
	all := map[string][]source{}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.ContainsAny(d.Name()[:1], "._") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		s, err := read(name)
		all[path.Dir(name)] = append(all[path.Dir(name)], s)
		return err
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("%d packages, %v", len(all), err)
	}
	return all
}

func read(name string) (source, error) {
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return source{}, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
	return source{name, strings.HasSuffix(name, "_test.go"), bytes.Count(text, []byte("\n")), text, file}, err
}

// imports of a file that are of this module, from its top level.
func (s *source) imports() (ours, others []string) {
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value) // the parser has read it
		if rest, ok := strings.CutPrefix(name, module+"/"); ok {
			ours = append(ours, rest)
		} else {
			others = append(others, name)
		}
	}
	return ours, others
}

// room is the entry of rooms that holds for a package.
func room(pkg string) string {
	for pkg != "." {
		if _, ok := rooms[pkg]; ok {
			return pkg
		}
		pkg = path.Dir(pkg)
	}
	return pkg
}

// within reports whether a package is one of those that the words name.
func within(pkg, words string) bool {
	return slices.ContainsFunc(strings.Fields(words), func(w string) bool {
		return pkg == w || strings.HasPrefix(pkg, strings.TrimSuffix(w, "/")+"/")
	})
}

func TestRooms_imports(t *testing.T) {
	for pkg, files := range sources(t) {
		for _, s := range files {
			ours, others := s.imports()
			for _, name := range ours {
				own := name == pkg                                          // tests from outside
				plain := s.test && within(name, "quota mailer/route store") // a test's store and its plans, answers of its DNS
				if within(name, forTests) && !s.test && !within(pkg, forTests) {
					t.Errorf("%s imports %s, which is for tests", s.name, name)
				}
				if !own && !plain && !within(name, rooms[room(pkg)]) {
					t.Errorf("%s imports %s; %s may import %q", s.name, name, room(pkg), rooms[room(pkg)])
				}
			}
			for _, name := range others {
				for library, home := range homes {
					if within(name, library) && !within(pkg, home) {
						t.Errorf("%s imports %s; only %s may", s.name, name, home)
					}
				}
			}
		}
	}
}

func TestRooms_sizes(t *testing.T) {
	for pkg, files := range sources(t) {
		lines, n := 0, 0
		for _, s := range files {
			if !s.test {
				lines, n = lines+s.lines, n+1
			}
		}
		if lines > mostLines || n > mostFiles {
			t.Errorf("%s has %d lines in %d files; at most %d in %d", pkg, lines, n, mostLines, mostFiles)
		}
	}
}

func TestRooms_topLevel(t *testing.T) {
	want := strings.Fields(topLevel)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	built := ignored(t)
	missing := slices.Clone(want)
	for _, e := range entries {
		name := e.Name()
		missing = slices.DeleteFunc(missing, func(s string) bool { return s == name })
		if !slices.Contains(want, name) && name[0] != '.' && !slices.ContainsFunc(built, func(p string) bool { ok, _ := path.Match(p, name); return ok }) {
			t.Errorf("%s stands at the top level: it belongs into one of the folders there", name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("the top level has no %q", missing)
	}
}

// ignored are the patterns of .gitignore for the top level: what a build leaves there.
func ignored(t *testing.T) (patterns []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.FieldsSeq(string(text)) {
		patterns = append(patterns, strings.TrimPrefix(line, "/"))
	}
	return patterns
}

// The map names every package.
func TestRooms_map(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range sources(t) {
		if pkg != "." && !bytes.Contains(text, []byte("\n| `"+pkg+"/` |")) {
			t.Errorf("the table of ARCHITECTURE.md has no row for `%s/`", pkg)
		}
	}
}

// Every package says in one file what it is.
func TestRooms_packageDocs(t *testing.T) {
	for pkg, files := range sources(t) {
		var docs []string
		for _, s := range files {
			if s.file.Doc != nil && !s.test {
				docs = append(docs, s.name)
			}
		}
		if len(docs) != 1 {
			t.Errorf("%s has package docs in %q, want one", pkg, docs)
		}
	}
}

// Sizes, fractions and amounts for people are written by report/words and report/money:
// no format elsewhere does it.
func TestRooms_figures(t *testing.T) {
	format := regexp.MustCompile(`%[-+ 0-9.]*(f|[dgvs] ?([KMGT]i?)?B\b)`)
	for pkg, files := range sources(t) {
		if within(pkg, "report/words report/money") {
			continue
		}
		for _, s := range files {
			if m := format.Find(s.text); m != nil && !s.test {
				t.Errorf("%s has the format %q", s.name, m)
			}
		}
	}
}
