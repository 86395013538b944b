package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	cli "github.com/urfave/cli/v2"

	"relay/report/words"
	"relay/store/ledger"
)

// CompleteVerb is the hidden command that completion scripts run: relay complete
// WORD..., the last word being typed. It prints the words that fit, one a line, each
// with its meaning behind a tab; ":file" and ":dir" ask the shell to complete a path.
// It reports no errors and ends quickly.
const CompleteVerb = "complete"

// Limits of a list of names, of which a relay may have a million.
const (
	askFor    = 300 * time.Millisecond // that it may take
	mostNames = 500                    // that fit what is typed
)

var errEnough = errors.New("shell: enough names")

// Candidate is a word that fits.
type Candidate struct{ Word, Text string }

// Names lists what exists, such as accounts, until add returns an error. The names listed
// before an error, or before the time is over, are offered.
type Names func(ctx context.Context, k Kind, t *Typing, add func(word, text string) error) error

// Kind of names.
type Kind int

// Kinds of names. Invoices are all of them, or the open ones.
const (
	Accounts Kind = iota
	Customers
	Resellers
	Plans
	Invoices
	OpenInvoices
	Jobs
	Logins   // of the account that is the first argument
	Networks // likewise
	Bans     // networks and logins that are kept out
	Messages // IDs in the queue
	Sources
	Overrides
)

// Completion offers words for a command line.
type Completion struct {
	Commands []*cli.Command
	Globals  []cli.Flag
	Names    Names
}

// Complete writes the words that fit in place of the last one of typed.
func (c *Completion) Complete(ctx context.Context, w io.Writer, typed []string) error {
	if len(typed) == 0 {
		return nil
	}
	help := &cli.Command{Name: "help", Usage: "the page of a command"}
	root := &cli.Command{Name: "relay", Subcommands: append(slices.Clone(c.Commands), help)}
	t := Typing{c: c, path: []*cli.Command{root}, Given: map[string]string{}, word: typed[len(typed)-1]}
	t.Begun = t.word
	for _, w := range typed[:len(typed)-1] {
		t.read(w)
	}
	var out strings.Builder
	for _, c := range t.candidates(ctx) {
		if !strings.HasPrefix(c.Word, t.word) && !strings.HasPrefix(c.Word, ":") {
			continue
		}
		fmt.Fprintf(&out, "%s\t%s\n", c.Word, words.Clean(c.Text))
	}
	_, err := io.WriteString(w, strings.NewReplacer(":file\t\n", ":file\n", ":dir\t\n", ":dir\n").Replace(out.String()))
	return err
}

// Typing is a command line up to the word that is typed.
type Typing struct {
	Args  []string
	Given map[string]string // flags and their values
	Begun string            // what is typed of the name

	c     *Completion
	path  []*cli.Command
	flag  cli.Flag // its value comes next; nil: none
	ended bool     // by --
	word  string
}

func (t *Typing) cmd() *cli.Command { return t.path[len(t.path)-1] }

// read takes a word before the one that is typed.
func (t *Typing) read(w string) {
	switch {
	case t.flag != nil:
		t.Given[t.flag.Names()[0]] = w
		t.flag = nil
	case t.ended:
		t.Args = append(t.Args, w)
	case w == "--":
		t.ended = true
	case len(w) > 1 && w[0] == '-':
		t.readFlag(w)
	case len(t.path) == 1 && w == "help":
	case len(t.cmd().Subcommands) > 0:
		t.descend(w)
	default:
		t.Args = append(t.Args, w)
	}
}

func (t *Typing) readFlag(w string) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(w, "-"), "=")
	f := t.find(name)
	switch {
	case f == nil:
	case !hasValue && TakesValue(f):
		t.flag = f
	default:
		t.Given[f.Names()[0]] = value
	}
}

func (t *Typing) descend(w string) {
	for _, c := range t.cmd().Subcommands {
		if c.HasName(w) {
			t.path = append(t.path, c)
			return
		}
	}
	t.path = append(t.path, &cli.Command{}) // unknown: nothing fits
}

func (t *Typing) find(name string) cli.Flag {
	if f := Find(t.cmd().Flags, name); f != nil {
		return f
	}
	return Find(t.c.Globals, name)
}

// candidates for the word that is typed.
func (t *Typing) candidates(ctx context.Context) []Candidate {
	if t.flag != nil {
		return t.flagValues(ctx, t.flag)
	}
	if t.ended || !strings.HasPrefix(t.word, "-") {
		if subs := t.cmd().Subcommands; len(subs) > 0 {
			return commandCandidates(subs)
		}
		if t.asksNewName() {
			return nil
		}
		return t.values(ctx, argument(t.cmd().ArgsUsage, len(t.Args)))
	}
	if head, value, ok := strings.Cut(t.word, "="); ok {
		return t.joined(ctx, head, value)
	}
	return t.flags()
}

func commandCandidates(all []*cli.Command) (list []Candidate) {
	for _, c := range all {
		list = append(list, Candidate{c.Name, c.Usage})
	}
	return list
}

// joined are the values of a flag in one word with it.
func (t *Typing) joined(ctx context.Context, head, value string) (list []Candidate) {
	f := t.find(strings.TrimLeft(head, "-"))
	if f == nil {
		return nil
	}
	t.Begun = value
	for _, c := range t.flagValues(ctx, f) {
		if !strings.HasPrefix(c.Word, ":") {
			c.Word = head + "=" + c.Word
		}
		list = append(list, c)
	}
	return list
}

func (t *Typing) flags() (list []Candidate) {
	for _, f := range slices.Concat(t.cmd().Flags, t.c.Globals) {
		name := f.Names()[0]
		if _, given := t.Given[name]; given || name == "json" && t.cmd().Name == "sendmail" {
			continue
		}
		_, text := FlagText(f)
		list = append(list, Candidate{dashed(name), text})
	}
	return append(list, Candidate{"--help", "the page of the command"})
}

// asksNewName reports that the argument is a name to be given, as in account add NAME.
// The argument of account credential add is an account that exists.
func (t *Typing) asksNewName() bool {
	return len(t.path) == 3 && t.cmd().Name == "add" && len(t.Args) == 0
}

// flagValues are the values that fit a flag.
func (t *Typing) flagValues(ctx context.Context, f cli.Flag) []Candidate {
	switch p, name := placeholder(f), f.Names()[0]; {
	case p == "NAME" && name != "account", p == "LOGIN" && t.cmd().Name == "add": // such as --hostname NAME
		return nil
	case p == "STATE", p == "LIST":
		return wordCandidates(choices(f))
	default:
		return t.values(ctx, p)
	}
}

// choices are the values that a flag's usage lists behind a colon, as in "only these:
// pending, active".
func choices(f cli.Flag) []string {
	_, text := FlagText(f)
	text, _, _ = strings.Cut(text, " (")
	_, list, _ := strings.Cut(text, ": ")
	return slices.DeleteFunc(strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }),
		func(w string) bool { return w == "or" })
}

// placeholder is the name of a flag's value.
func placeholder(f cli.Flag) string {
	head, _ := FlagText(f)
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

// kinds of names by placeholder.
var kinds = map[string]Kind{
	"NAME": Accounts, "ACCOUNT": Accounts, "CUSTOMER": Customers, "RESELLER": Resellers, "PLAN": Plans, "JOB": Jobs,
	"INVOICE": Invoices, "NUMBER": Invoices, "LOGIN": Logins, "CIDR": Networks, "ADDRESS|LOGIN": Bans, "ID": Messages, "WHAT": Messages,
	"SOURCE": Sources, "OVERRIDE": Overrides, "TARGET": Accounts,
}

// values that fit a placeholder: existing names, paths, or the words in lower case of
// the placeholder itself, as in "year|month".
func (t *Typing) values(ctx context.Context, placeholder string) []Candidate {
	switch placeholder {
	case "FILE":
		return []Candidate{{":file", ""}}
	case "DIR":
		return []Candidate{{":dir", ""}}
	case "METHOD":
		return wordCandidates(ledger.Methods)
	}
	if k, ok := kinds[placeholder]; ok {
		return t.names(ctx, k)
	}
	return wordCandidates(slices.DeleteFunc(strings.Split(placeholder, "|"), func(w string) bool {
		return w == "" || strings.IndexFunc(w, unicode.IsUpper) >= 0
	}))
}

func wordCandidates(words []string) (list []Candidate) {
	for _, w := range words {
		list = append(list, Candidate{w, ""})
	}
	return list
}

// names of a kind that fit the command.
func (t *Typing) names(ctx context.Context, k Kind) (list []Candidate) {
	name := t.cmd().Name
	switch {
	case k == Invoices && (name == "record" || name == "cancel"):
		k = OpenInvoices
	case (k == Logins || k == Networks) && len(t.Args) == 0, k == Networks && name != "remove":
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	_ = t.c.Names(ctx, k, t, func(word, text string) error { // no error is reported
		if !strings.HasPrefix(word, t.Begun) || !asItIs(word) {
			return nil
		}
		if list = append(list, Candidate{word, text}); len(list) == mostNames {
			return errEnough
		}
		return nil
	})
	return list
}

// asItIs reports a name that means itself on a command line of any shell. Others are not
// offered, because a shell may put them there as they are, and strangers choose some: a
// user name that is locked may be "$(reboot)". A name is no flag, and no word to the script.
func asItIs(name string) bool {
	return name != "" && !strings.HasPrefix(name, "-") && !strings.HasPrefix(name, ":") && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+@:/,", r)
	})
}
