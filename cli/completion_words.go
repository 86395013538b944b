package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
	"relay/cli/term"
	"relay/store"
)

// completeVerb is what completion scripts run: relay complete WORD..., the last
// word being the one that is typed. It prints a line for each word that can
// stand there, what it is for behind a tab; ":file" and ":dir" say that the
// shell shall complete a name. It is in no list of commands, tells no error and
// takes no time.
const completeVerb = "complete"

// askFor is how long a relay may take to tell names.
const askFor = 300 * time.Millisecond

// candidate is a word that can stand there.
type candidate struct{ word, text string }

func (p *program) complete(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return nil
	}
	root := &cli.Command{Name: "relay", Subcommands: append(p.commands(), &cli.Command{Name: "help", Usage: "the page of a command"})}
	t := typing{program: p, path: []*cli.Command{root}, word: words[len(words)-1]}
	for _, w := range words[:len(words)-1] {
		t.read(w)
	}
	var out strings.Builder
	for _, c := range t.candidates(ctx) {
		if !strings.HasPrefix(c.word, t.word) && !strings.HasPrefix(c.word, ":") {
			continue
		}
		fmt.Fprintf(&out, "%s\t%s\n", c.word, term.Clean(c.text))
	}
	_, err := io.WriteString(p.Stdout, strings.NewReplacer(":file\t\n", ":file\n", ":dir\t\n", ":dir\n").Replace(out.String()))
	return err
}

// typing is a command line up to the word that is typed.
type typing struct {
	*program
	path  []*cli.Command
	args  []string
	given map[string]bool
	flag  cli.Flag // whose value comes next; nil: none
	ended bool     // by --
	word  string
}

func (t *typing) cmd() *cli.Command { return t.path[len(t.path)-1] }

// read takes a word before the one that is typed.
func (t *typing) read(w string) {
	switch {
	case t.flag != nil:
		t.set(t.flag, w)
		t.flag = nil
	case t.ended:
		t.args = append(t.args, w)
	case w == "--":
		t.ended = true
	case len(w) > 1 && w[0] == '-':
		name, value, hasValue := strings.Cut(strings.TrimLeft(w, "-"), "=")
		f := t.find(name)
		switch {
		case f == nil:
		case hasValue:
			t.set(f, value)
		case takesValue(f):
			t.flag = f
		default:
			t.set(f, "")
		}
	case len(t.path) == 1 && w == "help":
	case len(t.cmd().Subcommands) > 0:
		for _, c := range t.cmd().Subcommands {
			if c.HasName(w) {
				t.path = append(t.path, c)
				return
			}
		}
		t.path = append(t.path, &cli.Command{}) // none that is known
	default:
		t.args = append(t.args, w)
	}
}

func (t *typing) find(name string) cli.Flag {
	if f := find(t.cmd().Flags, name); f != nil {
		return f
	}
	return find(t.globals(), name)
}

func (t *typing) set(f cli.Flag, value string) {
	if t.given == nil {
		t.given = map[string]bool{}
	}
	name := f.Names()[0]
	t.given[name] = true
	switch name {
	case "config":
		t.config = value
	case "data":
		t.data = value
	}
}

// candidates for the word that is typed.
func (t *typing) candidates(ctx context.Context) []candidate {
	if t.flag != nil {
		return t.values(ctx, placeholder(t.flag))
	}
	if t.ended || !strings.HasPrefix(t.word, "-") {
		if subs := t.cmd().Subcommands; len(subs) > 0 {
			return commandCandidates(subs)
		}
		return t.values(ctx, argument(t.cmd().ArgsUsage, len(t.args)))
	}
	if head, value, ok := strings.Cut(t.word, "="); ok {
		return t.joined(ctx, head, value)
	}
	return t.flags()
}

func commandCandidates(all []*cli.Command) (list []candidate) {
	for _, c := range all {
		list = append(list, candidate{c.Name, c.Usage})
	}
	return list
}

// joined are the values of a flag in one word with it.
func (t *typing) joined(ctx context.Context, head, value string) (list []candidate) {
	f := t.find(strings.TrimLeft(head, "-"))
	if f == nil {
		return nil
	}
	for _, c := range t.values(ctx, placeholder(f)) {
		if !strings.HasPrefix(c.word, ":") {
			c.word = head + "=" + c.word
		}
		list = append(list, c)
	}
	return list
}

func (t *typing) flags() (list []candidate) {
	for _, f := range append(append([]cli.Flag{}, t.cmd().Flags...), t.globals()...) {
		name := f.Names()[0]
		if t.given[name] || name == "json" && t.cmd().Name == "sendmail" {
			continue
		}
		_, text := flagText(f)
		list = append(list, candidate{dashed(name), text})
	}
	return append(list, candidate{"--help", "the page of the command"})
}

// placeholder is the name of a flag's value.
func placeholder(f cli.Flag) string {
	head, _ := flagText(f)
	_, value, _ := strings.Cut(head, " ")
	return value
}

// argument is the name of the n-th argument in "NAME [CIDR]" or "[ID...]".
func argument(argsUsage string, n int) string {
	words := strings.Fields(argsUsage)
	if len(words) == 0 {
		return ""
	}
	last := words[len(words)-1]
	if n >= len(words) && !strings.Contains(last, "...") {
		return ""
	}
	return strings.Trim(words[min(n, len(words)-1)], "[].")
}

// values are what can stand for a placeholder: names that a relay knows, files,
// or the small words that the placeholder itself offers.
func (t *typing) values(ctx context.Context, placeholder string) []candidate {
	switch placeholder {
	case "FILE":
		return []candidate{{":file", ""}}
	case "DIR":
		return []candidate{{":dir", ""}}
	case "NAME", "ACCOUNT":
		return t.ask(ctx, "account", "plan", "account", "list")
	case "CUSTOMER":
		return t.ask(ctx, "customer", "contact", "customer", "list")
	case "RESELLER":
		return t.ask(ctx, "reseller", "contact", "reseller", "list")
	case "INVOICE", "NUMBER":
		return t.invoices(ctx)
	case "JOB":
		return t.ask(ctx, "job", "", "job", "list")
	case "METHOD":
		return wordCandidates(store.Methods)
	case "PLAN":
		return t.ask(ctx, "name", "", "plan", "list")
	case "LOGIN":
		if len(t.args) > 0 {
			return t.ask(ctx, "login", "note", "account", "credential", "list", t.args[0])
		}
	case "CIDR":
		if len(t.args) > 0 && t.cmd().Name == "remove" {
			return t.ask(ctx, "network", "", "account", "network", "list", t.args[0])
		}
	}
	return wordCandidates(slices.DeleteFunc(strings.Split(placeholder, "|"), func(w string) bool {
		return w == "" || strings.IndexFunc(w, unicode.IsUpper) >= 0
	}))
}

func wordCandidates(words []string) (list []candidate) {
	for _, w := range words {
		list = append(list, candidate{w, ""})
	}
	return list
}

// invoices that the command can be about: a payment is for one that is open.
func (t *typing) invoices(ctx context.Context) []candidate {
	line := []string{"invoice", "list"}
	if t.cmd().Name == "record" || t.cmd().Name == "cancel" {
		line = append(line, "--open")
	}
	return t.ask(ctx, "invoice", "account", line...)
}

// ask has the running relay list things, and takes the word that stands under
// key, and what it says under text. What has come when the time is over counts.
func (t *typing) ask(ctx context.Context, key, text string, line ...string) (list []candidate) {
	if t.hasToken(t.given) {
		return nil // what the socket tells is the operator's
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	_, dir, err := t.home()
	if err != nil {
		return nil
	}
	c := control.NewClient(dir.socket())
	defer c.Close()
	var out bytes.Buffer
	_, err = c.Run(ctx, control.Request{Args: append([]string{"--json"}, line...)}, nil, &out, io.Discard)
	if out.Len() == 0 || err != nil && !errors.Is(cmp.Or(ctx.Err(), err), context.DeadlineExceeded) {
		return nil
	}
	in := json.NewDecoder(&out)
	if _, err := in.Token(); err != nil { // the bracket
		return nil
	}
	for in.More() {
		var one map[string]any
		if err := in.Decode(&one); err != nil {
			break
		}
		word, _ := one[key].(string)
		about, _ := one[text].(string)
		if word != "" {
			list = append(list, candidate{word, about})
		}
	}
	return list
}
