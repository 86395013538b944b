package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/sendmail"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
)

var update = flag.Bool("update", false, "write the generated pages in docs anew")

// generated compares a page in docs with what it has to be.
func generated(t *testing.T, file, want string) {
	t.Helper()
	path := "../docs/" + file
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not in step with the code: go test ./cli -run TestDocs -update\n%s", path, firstDifference(string(got), want))
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is  %s\nand must be %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, must be %d", len(a), len(b))
}

// page of Markdown in the making.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// text is a paragraph of the width that all pages have.
func (p *page) text(s string) {
	for _, l := range term.Wrap(s, term.Columns) {
		p.line("%s", l)
	}
	p.line("")
}

// cell is text for a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

const configurationHead = `# Configuration

Every key of relay.toml. All of them have a default; an unknown key is an error that names its line and the key that may be meant. The page and the sample, [docs/relay.toml](relay.toml), are made from the code.

relay looks for the file at --config, then RELAY_CONFIG, then /etc/relay/relay.toml; without the last it runs on the defaults. relay check reads it and says what is wrong.

The column *changes* says what a change needs: after *reload* it is in force once relay reload or SIGHUP was given (systemctl reload relay), after *restart* once relay was stopped and started. What is used at each *call* is read anew each time.

Sizes are decimal, with a unit: "500KB", "100MB", "1GB". Times are "90s", "5m", "4h", "1h30m", "4d", "2w", shares "0.1%". Names of files are best given in full.`

func TestDocs_configuration(t *testing.T) {
	var p page
	for par := range strings.SplitSeq(configurationHead, "\n\n") {
		p.text(par)
	}
	for _, s := range config.Sections() {
		p.line("## %s\n", s.Title())
		if s.Before != "" {
			p.text(s.Before)
		}
		if s.Beside != "" {
			p.text(shell.Sentence(s.Beside))
		}
		if s.Many {
			p.line("```toml\n%s```\n", example(s))
		}
		p.line("| key | type | default | changes | meaning |\n|---|---|---|---|---|")
		for _, k := range s.Keys {
			p.line("| `%s` | %s | `%s` | %s | %s |", k.Name, typeName(t, &k), k.Value(), k.Effect, cell(k.Text))
		}
		p.line("")
		if s.After != "" {
			p.text(s.After)
		}
	}
	generated(t, "configuration.md", strings.TrimRight(p.String(), "\n")+"\n")
	generated(t, "relay.toml", config.Sample())
}

// example of a section as it stands in the sample, without what its keys are for.
func example(s *config.Section) string {
	_, text, _ := strings.Cut(config.Sample(), "\n"+s.Title()+"\n")
	var b strings.Builder
	for line := range strings.Lines(s.Title() + "\n" + text) {
		table := strings.HasPrefix(line, "[") && strings.TrimSpace(line) != s.Title()
		if table || strings.HasPrefix(line, "#") {
			break
		}
		line, _, _ = strings.Cut(line, "# ")
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// typeName names the type of a key for its reader.
func typeName(t *testing.T, k *config.Key) string {
	switch k.Default.(type) {
	case config.Duration:
		return "time"
	case config.Size:
		return "size"
	case config.Share:
		return "share"
	case []config.Duration:
		return "times"
	case []string:
		return "texts"
	case string:
		return "text"
	case int:
		return "number"
	case []int:
		return "numbers"
	case bool:
		return "true or false"
	}
	t.Errorf("%s: type %T has no name", k.Name, k.Default)
	return ""
}

const commandsHead = `# Commands

Every command of relay with its flags, as relay COMMAND --help tells them. The page is made from the code.

Commands do the same whether a relay runs or not: a running one answers over relay.sock in its data directory, otherwise the command opens the store itself. Results go to standard output, everything else to standard error. Flags may stand anywhere after the command's name. What a command prints for people is never wider than 80 columns.`

func TestDocs_commands(t *testing.T) {
	var p page
	for par := range strings.SplitSeq(commandsHead, "\n\n") {
		p.text(par)
	}
	prog := &program{}
	p.line("## Flags of every command\n")
	writeFlags(&p, append(prog.globals(), &cli.BoolFlag{Name: "help", Usage: "show the help of a command"}))
	p.line("## Exit codes\n\n| code | means |\n|---|---|")
	for _, e := range shell.ExitMeanings {
		p.line("| %d | %s |", e.Code, e.Text)
	}
	p.line("\n## Environment\n\n| variable | is |\n|---|---|")
	for _, v := range shell.Variables {
		p.line("| `%s` | %s |", v[0], v[1])
	}
	p.line("")
	for _, l := range shell.Leaves(prog.commands(), "relay") {
		p.line("## %s\n", l.Name)
		p.text(shell.Sentence(l.Usage))
		p.line("```text\n%s\n```\n", shell.Synopsis(l.Name, l.Command))
		for _, par := range shell.Paragraphs(l.Description) {
			if !strings.HasPrefix(par, "  ") {
				p.text(literal(par))
				continue
			}
			p.line("```console")
			for line := range strings.SplitSeq(par, "\n") {
				p.line("%s", strings.TrimPrefix(line, "  "))
			}
			p.line("```\n")
		}
		if len(l.Flags) > 0 {
			writeFlags(&p, l.Flags)
		}
	}
	generated(t, "commands.md", strings.TrimRight(p.String(), "\n")+"\n")
}

func writeFlags(p *page, all []cli.Flag) {
	p.line("| flag | is |\n|---|---|")
	for _, f := range all {
		head, text, _ := shell.FlagPair(f)
		p.line("| `%s` | %s |", cell(head), cell(literal(text)))
	}
	p.line("")
}

// literal keeps what Markdown would take for its own.
func literal(s string) string {
	return strings.NewReplacer("*", `\*`, "<", `\<`, "](", `\](`).Replace(s)
}

// Every command line of the pages is one that relay understands, also in blocks
// that the end-to-end test does not run.
func TestDocs_commandLines(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, "../README.md") {
		for _, b := range blocks(readDocs(t, file)) {
			if b.kind != "sh" && b.kind != "console" {
				if regexp.MustCompile(`(?m)^(sudo )?(\./)?relay `).MatchString(b.text) && b.kind != "text" {
					t.Errorf("%s: a block of kind %q holds a command of relay; it is sh (run by a test) or console", file, b.kind)
				}
				continue
			}
			for _, words := range commandLines(b.text) {
				found++
				if err := understood(words); err != nil {
					t.Errorf("%s: relay %s: %v", file, strings.Join(words, " "), err)
				}
			}
		}
	}
	if found < 60 {
		t.Errorf("only %d command lines found", found)
	}
}

type block struct{ kind, text string }

// blocks of a page that are fenced.
func blocks(text string) (list []block) {
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		list = append(list, block{m[1], m[2]})
	}
	return list
}

// commandLines are the calls of relay in a piece of shell, without the word
// relay itself.
func commandLines(text string) (list [][]string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		for _, words := range simpleCommands(line) {
			for len(words) > 0 && (words[0] == "sudo" || words[0] == "nohup" || words[0] == "time" || strings.Contains(words[0], "=")) {
				words = words[1:]
			}
			if len(words) > 3 && words[0] == "docker" && words[1] == "exec" {
				words = words[3:]
			}
			if len(words) > 2 && words[0] == "go" && words[1] == "run" {
				words = words[2:]
				words[0] = "relay"
			}
			if len(words) > 0 && filepath.Base(words[0]) == "relay" && !strings.HasSuffix(words[0], "/etc/relay") {
				list = append(list, words[1:])
			}
		}
	}
	return list
}

// simpleCommands parts a line at | ; & ( ), and each part into words. Words in
// quotes are one; redirections are left out.
func simpleCommands(line string) (list [][]string) {
	var words []string
	word, quote, in := "", rune(0), false
	end := func() {
		if in {
			words = append(words, word)
		}
		word, in = "", false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '"' || r == '\'':
			quote, in = r, true
		case r == '#' && !in:
			end()
			return append(list, withoutRedirections(words))
		case strings.ContainsRune("|;&()\n", r):
			end()
			list, words = append(list, withoutRedirections(words)), nil
		case r == ' ':
			end()
		default:
			word, in = word+string(r), true
		}
	}
	end()
	return append(list, withoutRedirections(words))
}

func withoutRedirections(words []string) (rest []string) {
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == ">" || w == "<" || w == ">>" || w == "2>":
			i++
		case strings.HasPrefix(w, ">") || strings.HasPrefix(w, "<") && !strings.Contains(w, "@") || strings.HasPrefix(w, "2>"):
		default:
			rest = append(rest, w)
		}
	}
	return rest
}

// understood parses a command line as relay does, and runs nothing.
func understood(words []string) error {
	p := &program{}
	if _, rest, ok := sendmail.Split("", words); ok {
		return sendmail.Check(rest)
	}
	if len(words) > 0 && words[0] == "help" {
		words = append(words[1:], "--help")
	}
	l, err := shell.Parse(&cli.Command{Name: "relay", Subcommands: p.commands()}, p.globals(), words)
	if err != nil || l.Help {
		return err
	}
	if len(l.Cmd().Subcommands) > 0 {
		return fmt.Errorf("%s is no command", l.Name())
	}
	return l.Check()
}

func TestCommandLines(t *testing.T) {
	got := commandLines("echo 'relay x' | relay account add a --plan=\"b c\" > f # relay y\nsudo ./relay queue \\\n  list && X=1 relay usage\ngo run . sandbox\n")
	want := [][]string{{"account", "add", "a", "--plan=b c"}, {"queue", "list"}, {"usage"}, {"sandbox"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Links lead to files and headings that are there.
func TestDocs_links(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	customers, err := filepath.Glob("../docs/customers/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(append(pages, customers...), "../README.md") {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(readDocs(t, page), -1) {
			found++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(page), file)
			if file == "" {
				target = page
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if anchor != "" && !slices.Contains(anchors(readDocs(t, target)), anchor) {
				t.Errorf("%s: %s has no heading %q", page, target, anchor)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d links", found)
	}
}

// Customers read the same guides in each language.
func TestDocs_customers(t *testing.T) {
	english, err := os.ReadDir("../docs/customers/en")
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range words.Languages {
		for _, page := range english {
			name := page.Name()
			own := readDocs(t, filepath.Join("../docs/customers", string(lang), name))
			want := readDocs(t, "../docs/customers/en/"+name)
			for what, re := range map[string]string{"headings": `(?m)^#+ `, "rows of tables": `(?m)^\|`, "items": `(?m)^- `, "links": `\]\([a-z]+\.md\)`} {
				if is, should := len(regexp.MustCompile(re).FindAllString(own, -1)), len(regexp.MustCompile(re).FindAllString(want, -1)); is != should {
					t.Errorf("%s has %d %s in %s, and %d in English", name, is, what, lang, should)
				}
			}
		}
	}
}

// anchors of a page's headings.
func anchors(text string) (list []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, strings.ReplaceAll(name, " ", "-"))
	}
	return list
}
