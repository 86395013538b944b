package shell

import (
	"fmt"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/report/words"
)

// Line is a command line sorted into its parts. The library below stops looking for
// flags at the first argument and silently takes the rest for arguments; people and
// scripts write flags anywhere.
type Line struct {
	path   []*cli.Command // the program first
	global []string       // "--name=value", or "--name"
	flags  []string       // the command's own, likewise
	Given  map[string]bool
	Args   []string
	Help   bool
}

// Cmd is the command to run.
func (l *Line) Cmd() *cli.Command { return l.path[len(l.path)-1] }

// Name is the command as it is typed, the program's name first.
func (l *Line) Name() string {
	var words []string
	for _, c := range l.path {
		words = append(words, c.Name)
	}
	return strings.Join(words, " ")
}

// Command is the command's name without the program's.
func (l *Line) Command() string {
	_, name, _ := strings.Cut(l.Name(), " ")
	return name
}

// Hint is the command line that shows more.
func (l *Line) Hint() string { return l.Name() + " --help" }

// Sorted is the command line in the order that the library understands.
func (l *Line) Sorted() []string {
	argv := slices.Clone(l.global)
	for _, c := range l.path[1:] {
		argv = append(argv, c.Name)
	}
	argv = append(argv, l.flags...)
	if len(l.Args) > 0 {
		argv = append(append(argv, "--"), l.Args...)
	}
	return argv
}

// Parse sorts args. It fails for unknown commands and flags, and for flags that lack
// their value; values are read later.
func Parse(root *cli.Command, globals []cli.Flag, args []string) (*Line, error) {
	l := &Line{path: []*cli.Command{root}, Given: map[string]bool{}}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			l.Args = append(l.Args, args...)
			args = nil
		case len(word) > 1 && word[0] == '-':
			rest, err := l.flag(globals, word, args)
			if err != nil {
				return nil, err
			}
			args = rest
		case len(l.Cmd().Subcommands) > 0:
			if err := l.descend(word); err != nil {
				return nil, err
			}
		default:
			l.Args = append(l.Args, word)
		}
	}
	return l, nil
}

func (l *Line) descend(word string) error {
	subs := l.Cmd().Subcommands
	for _, c := range subs {
		if c.HasName(word) {
			l.path = append(l.path, c)
			return nil
		}
	}
	if meant := l.Cmd().ArgsUsage; meant != "" { // see GroupOr
		l.Args = append(l.Args, word)
		return l.descend(meant)
	}
	return exit.Usage(l.Hint(), "no command %q in %s%s", word, l.Name(), words.DidYouMean(word, CommandNames(subs)))
}

// flag takes one flag, and its value from args if it needs one; it returns the rest
// of args.
func (l *Line) flag(globals []cli.Flag, word string, args []string) ([]string, error) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
	if name == "help" || name == "h" {
		l.Help = true
		return args, nil
	}
	f, to := Find(l.Cmd().Flags, name), &l.flags
	if f == nil {
		f, to = Find(globals, name), &l.global
	}
	if f == nil {
		return nil, l.unknown(globals, name)
	}
	name = f.Names()[0]
	l.Given[name] = true
	switch {
	case hasValue && value == "", !hasValue && TakesValue(f) && len(args) > 0 && args[0] == "": // an empty variable of a script would count as not given
		return nil, exit.Usage(l.Hint(), "--%s has an empty value", name)
	case hasValue:
		*to = append(*to, "--"+name+"="+value)
	case !TakesValue(f):
		*to = append(*to, "--"+name)
	case len(args) == 0:
		return nil, exit.Usage(l.Hint(), "--%s needs a value", name)
	case strings.HasPrefix(args[0], "--"):
		return nil, exit.Usage(fmt.Sprintf("if %q is the value, write --%s=%s", args[0], name, args[0]), "--%s needs a value", name)
	default:
		*to = append(*to, "--"+name+"="+args[0])
		return args[1:], nil
	}
	return args, nil
}

func (l *Line) unknown(globals []cli.Flag, name string) error {
	hint := l.Hint()
	if len(l.Cmd().Subcommands) > 0 {
		hint = "the flags of a command stand after its name: " + hint
	}
	return exit.Usage(hint, "no flag --%s in %s%s", name, l.Name(),
		words.DidYouMeanAfter("--", name, append(flagNames(l.Cmd().Flags), flagNames(globals)...)))
}

// Check fails when a required flag is missing, or when the number of arguments is not
// the one in the command's usage.
func (l *Line) Check() error {
	for _, f := range l.Cmd().Flags {
		if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() && !l.Given[f.Names()[0]] {
			return exit.Usage(l.Hint(), "%s needs --%s", l.Name(), f.Names()[0])
		}
	}
	need, most := Arity(l.Cmd().ArgsUsage)
	switch {
	case len(l.Args) < need:
		return exit.Usage(l.Hint(), "%s needs %s", l.Name(), l.Cmd().ArgsUsage)
	case most >= 0 && len(l.Args) > most && most == 0:
		return exit.Usage(l.Hint(), "%s takes no arguments, but there is %q", l.Name(), l.Args[0])
	case most >= 0 && len(l.Args) > most:
		return exit.Usage(l.Hint(), "%s takes only %s, but there is %q too", l.Name(), l.Cmd().ArgsUsage, l.Args[most])
	}
	return nil
}

// Arity reads "NAME [CIDR]" as one to two, "ID..." as one or more.
func Arity(argsUsage string) (need, most int) {
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

// Find returns the flag of that name, nil if there is none.
func Find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// TakesValue reports whether a flag needs a value.
func TakesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// CommandNames lists the names of commands, in their order.
func CommandNames(all []*cli.Command) (names []string) {
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
