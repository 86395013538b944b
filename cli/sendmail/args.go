package sendmail

import (
	"path/filepath"
	"strings"

	"relay/cli/exit"
	"relay/mailer/client"
)

// task is one of the things that sendmail does.
type task uint8

const (
	taskSend  task = iota // take a message from standard input
	taskQueue             // -bp, mailq: show the queue
	taskNone              // -q, -bi: relay does it by itself, or does not need it
	taskSMTP              // -bs: speak SMTP on the standard streams
	taskHelp              // --help
)

// arguments is a command line as programs write it for sendmail. The names
// of its flags are one letter, values may stick to them, and what changes
// nothing here is taken and ignored: programs pass a lot of that.
type arguments struct {
	task       task
	headers    bool // -t: the recipients are in the header too
	dots       bool // -i, -oi: a line with a lone dot does not end the message
	verbose    bool // -v
	fullName   string
	sender     string // -f; "" with senderSet: the null reverse-path
	senderSet  bool
	notify     client.Notify
	ret, envID string
	rcpts      []mailbox

	json bool
}

// Letters of flags by what follows them.
const (
	plainFlags  = "GIUcimnstvx"       // nothing; several may stand in one word
	valueFlags  = "ABCFLNORVXbefhopr" // a value, in the same word or the next
	prefixFlags = "dq"                // perhaps a value in the same word
)

// Split reports whether a command line is sendmail's: the program was called by one of its
// names, or sendmail is the command. The parser of relay's command lines cannot read the
// rest of such a line. own are relay's flags before the word sendmail.
func Split(name string, args []string) (own, rest []string, ok bool) {
	switch filepath.Base(name) {
	case "sendmail", "send-mail": // the latter by BSD's mail, whatever the file is called
		return nil, args, true
	case "mailq":
		return nil, append([]string{"-bp"}, args...), true
	case "newaliases":
		return nil, append([]string{"-bi"}, args...), true
	}
	for i := 0; i < len(args); i++ {
		name, _, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		switch {
		case args[i] == "sendmail":
			return args[:i:i], args[i+1:], true
		case args[i] == name: // another command
			return nil, nil, false
		case (name == "config" || name == "data") && !hasValue:
			i++
		}
	}
	return nil, nil, false
}

// ownFlags takes relay's flags before the word sendmail. Behind it, and where the
// program is called sendmail, none may name files: other programs pass on there what
// strangers have typed into a form.
func (p *Program) ownFlags(words []string) error {
	for len(words) > 0 {
		name, value, hasValue := strings.Cut(strings.TrimLeft(words[0], "-"), "=")
		words = words[1:]
		to := map[string]*string{"config": &p.Where.Config, "data": &p.Where.Data}[name]
		switch {
		case name == "json" && !hasValue:
			p.Env.JSON = true
			continue
		case to == nil:
			return exit.Usage(seeHelp, "no flag --%s before sendmail", name)
		case !hasValue && len(words) == 0:
			return exit.Usage(seeHelp, "--%s needs a value", name)
		case !hasValue:
			value, words = words[0], words[1:]
		}
		*to = value
	}
	return nil
}

// Check reports what is wrong with a command line without the word sendmail, which it
// does not run.
func Check(args []string) error {
	_, err := parse(args)
	return err
}

// parse reads a command line without the word sendmail.
func parse(args []string) (*arguments, error) {
	a := &arguments{}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		var err error
		switch {
		case word == "--":
			for _, r := range args {
				if err := a.recipient(r); err != nil {
					return nil, err
				}
			}
			return a, nil
		case strings.HasPrefix(word, "--"):
			err = a.long(word[2:])
		case len(word) > 1 && word[0] == '-':
			args, err = a.letters(word[1:], args)
		default:
			err = a.recipient(word)
		}
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

const seeHelp = "relay sendmail --help"

// long takes one of relay's own flags.
func (a *arguments) long(word string) error {
	switch name, _, _ := strings.Cut(word, "="); name {
	case "help":
		a.task = taskHelp
	case "json":
		a.json = true
	case "config", "data":
		return exit.Usage("write it before the word: relay --"+name+" … sendmail; or set RELAY_"+strings.ToUpper(name),
			"--%s is not taken from the arguments of sendmail", name)
	default:
		return exit.Usage(seeHelp, "no flag --%s in sendmail", name)
	}
	return nil
}

// letters takes one word of flags, "i", "ti", "fADDRESS", and a value from args
// where the last one needs it and has none.
func (a *arguments) letters(word string, args []string) ([]string, error) {
	for i, letter := range word {
		switch {
		case strings.ContainsRune(plainFlags, letter):
			a.plain(letter)
		case letter == 'q':
			a.task = taskNone
			return args, nil
		case strings.ContainsRune(prefixFlags, letter):
			return args, nil
		case strings.ContainsRune(valueFlags, letter):
			value := word[i+1:]
			if value == "" {
				if len(args) == 0 {
					return nil, exit.Usage(seeHelp, "-%c needs a value", letter)
				}
				value, args = args[0], args[1:]
			}
			return args, a.value(letter, value)
		default:
			return nil, exit.Usage(seeHelp, "no flag -%c in sendmail", letter)
		}
	}
	return args, nil
}

func (a *arguments) plain(letter rune) {
	switch letter {
	case 't':
		a.headers = true
	case 'i':
		a.dots = true
	case 'v':
		a.verbose = true
	}
}

func (a *arguments) value(letter rune, value string) error {
	switch letter {
	case 'f', 'r':
		return a.from(value)
	case 'F':
		a.fullName = value
	case 'o':
		a.dots = a.dots || value == "i"
	case 'O':
		a.dots = a.dots || strings.EqualFold(value, "IgnoreDots") || strings.EqualFold(value, "IgnoreDots=true")
	case 'b':
		return a.mode(value)
	case 'N':
		return a.conditions(value)
	case 'R':
		return a.returned(value)
	case 'V':
		a.envID = value
	}
	return nil
}

// from takes the envelope sender; "" and "<>" are the null reverse-path.
func (a *arguments) from(value string) error {
	a.sender, a.senderSet = "", true
	if strings.TrimSpace(value) == "" || strings.TrimSpace(value) == "<>" {
		return nil
	}
	list, err := mailboxes(value)
	if err != nil || len(list) != 1 || strings.ContainsAny(value, "\r\n") {
		return exit.Usage(seeHelp, "-f %q is not one address", value)
	}
	a.sender = list[0].addr
	return nil
}

func (a *arguments) recipient(value string) error {
	list, err := mailboxes(value)
	if err != nil || len(list) == 0 || strings.ContainsAny(value, "\r\n") {
		return exit.Usage(seeHelp, "recipient %q is not an address", value)
	}
	a.rcpts = append(a.rcpts, list...)
	return nil
}

// mode is -b: what sendmail is to be.
func (a *arguments) mode(value string) error {
	switch value {
	case "m", "a":
		return nil
	case "p":
		a.task = taskQueue
		return nil
	case "i":
		a.task = taskNone
		return nil
	case "s":
		a.task = taskSMTP
		return nil
	case "d", "D":
		return exit.Usage("start it with: relay serve", "sendmail -b%s is not offered: the relay is no part of sendmail", value)
	}
	return exit.Usage(seeHelp, "sendmail -b%s is not offered", value)
}

// conditions is -N: when a DSN is wanted (RFC 3461 §4.1).
func (a *arguments) conditions(value string) error {
	bits := map[string]client.Notify{"success": client.NotifySuccess, "failure": client.NotifyFailure, "delay": client.NotifyDelay}
	a.notify = 0
	if strings.EqualFold(value, "never") {
		a.notify = client.NotifyNever
		return nil
	}
	for word := range strings.SplitSeq(value, ",") {
		bit, ok := bits[strings.ToLower(strings.TrimSpace(word))]
		if !ok {
			return exit.Usage(seeHelp, "-N %q: never, or some of success,failure,delay", value)
		}
		a.notify |= bit
	}
	return nil
}

// returned is -R: what of the message comes back in a DSN (RFC 3461 §4.3).
func (a *arguments) returned(value string) error {
	switch strings.ToLower(value) {
	case "full":
		a.ret = "FULL"
	case "hdrs":
		a.ret = "HDRS"
	default:
		return exit.Usage(seeHelp, "-R %q: full or hdrs", value)
	}
	return nil
}
