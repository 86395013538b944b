package cli

import (
	"fmt"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/report/words"
)

// line is a command line sorted into its parts. The library below stops looking
// for flags at the first argument and takes the rest for arguments, silently;
// people and scripts write flags where they like.
type line struct {
	path   []*cli.Command // from the program itself down
	global []string       // "--name=value", or "--name"
	flags  []string       // the command's own, likewise
	given  map[string]bool
	args   []string
	help   bool
}

// cmd is the command that was named.
func (l *line) cmd() *cli.Command { return l.path[len(l.path)-1] }

// name of the command as it is typed, with the program's.
func (l *line) name() string {
	var words []string
	for _, c := range l.path {
		words = append(words, c.Name)
	}
	return strings.Join(words, " ")
}

// hint says where to read more.
func (l *line) hint() string { return l.name() + " --help" }

// sorted is the command line in the order that the library understands. What is
// sent to a running relay has its --json, but not the places of files.
func (l *line) sorted(all bool) []string {
	var argv []string
	for _, g := range l.global {
		if all || g == "--json" {
			argv = append(argv, g)
		}
	}
	for _, c := range l.path[1:] {
		argv = append(argv, c.Name)
	}
	argv = append(argv, l.flags...)
	if len(l.args) > 0 {
		argv = append(append(argv, "--"), l.args...)
	}
	return argv
}

// parse sorts args. It fails for commands and flags that do not exist and for
// flags without the value they need; values are read later.
func parse(root *cli.Command, globals []cli.Flag, args []string) (*line, error) {
	l := &line{path: []*cli.Command{root}, given: map[string]bool{}}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			l.args = append(l.args, args...)
			args = nil
		case len(word) > 1 && word[0] == '-':
			rest, err := l.flag(globals, word, args)
			if err != nil {
				return nil, err
			}
			args = rest
		case len(l.cmd().Subcommands) > 0:
			if err := l.descend(word); err != nil {
				return nil, err
			}
		default:
			l.args = append(l.args, word)
		}
	}
	return l, nil
}

func (l *line) descend(word string) error {
	subs := l.cmd().Subcommands
	for _, c := range subs {
		if c.HasName(word) {
			l.path = append(l.path, c)
			return nil
		}
	}
	return exit.Usage(l.hint(), "no command %q in %s%s", word, l.name(), words.DidYouMean(word, commandNames(subs)))
}

// flag takes one flag, and its value from args where it needs one; it returns
// what is left of args.
func (l *line) flag(globals []cli.Flag, word string, args []string) ([]string, error) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	if name == "help" || name == "h" {
		l.help = true
		return args, nil
	}
	f, to := find(l.cmd().Flags, name), &l.flags
	if f == nil {
		f, to = find(globals, name), &l.global
	}
	if f == nil {
		return nil, l.unknown(globals, name)
	}
	name = f.Names()[0]
	l.given[name] = true
	switch {
	case hasValue && value == "", !hasValue && takesValue(f) && len(args) > 0 && args[0] == "": // an empty variable of a script, which would count as not given
		return nil, exit.Usage(l.hint(), "--%s has an empty value", name)
	case hasValue:
		*to = append(*to, "--"+name+"="+value)
	case !takesValue(f):
		*to = append(*to, "--"+name)
	case len(args) == 0:
		return nil, exit.Usage(l.hint(), "--%s needs a value", name)
	case strings.HasPrefix(args[0], "--"):
		return nil, exit.Usage(fmt.Sprintf("if %q is the value, write --%s=%s", args[0], name, args[0]), "--%s needs a value", name)
	default:
		*to = append(*to, "--"+name+"="+args[0])
		return args[1:], nil
	}
	return args, nil
}

func (l *line) unknown(globals []cli.Flag, name string) error {
	hint := l.hint()
	if len(l.cmd().Subcommands) > 0 {
		hint = "the flags of a command stand after its name: " + hint
	}
	return exit.Usage(hint, "no flag --%s in %s%s", name, l.name(),
		words.DidYouMeanAfter("--", name, append(flagNames(l.cmd().Flags), flagNames(globals)...)))
}

// complete checks that the flags a command needs are there and that the number
// of arguments is the one its usage shows.
func (l *line) complete() error {
	for _, f := range l.cmd().Flags {
		if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() && !l.given[f.Names()[0]] {
			return exit.Usage(l.hint(), "%s needs --%s", l.name(), f.Names()[0])
		}
	}
	need, most := arity(l.cmd().ArgsUsage)
	switch {
	case len(l.args) < need:
		return exit.Usage(l.hint(), "%s needs %s", l.name(), l.cmd().ArgsUsage)
	case most >= 0 && len(l.args) > most && most == 0:
		return exit.Usage(l.hint(), "%s takes no arguments, but there is %q", l.name(), l.args[0])
	case most >= 0 && len(l.args) > most:
		return exit.Usage(l.hint(), "%s takes only %s, but there is %q too", l.name(), l.cmd().ArgsUsage, l.args[most])
	}
	return nil
}

// arity reads "NAME [CIDR]" as one to two, "ID..." as one or more.
func arity(argsUsage string) (need, most int) {
	for word := range strings.FieldsSeq(argsUsage) {
		optional, many := word[0] == '[', strings.Contains(word, "...")
		if !optional {
			need++
		}
		if many {
			most = -1
		}
		if most >= 0 {
			most++
		}
	}
	return need, most
}

func find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

func commandNames(all []*cli.Command) (names []string) {
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}

func flagNames(all []cli.Flag) (names []string) {
	for _, f := range all {
		names = append(names, f.Names()[0])
	}
	return names
}
