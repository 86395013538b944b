package act

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// Hint is the next step. Each face writes the acts in it its own way: as a command
// line, as a link.
type Hint struct {
	Text string `json:"text" doc:"The step; {0} stands for the first act, and so on."`
	Acts []Step `json:"acts,omitempty" doc:"Acts that the text refers to."`
}

// Step is an act with arguments, as a hint proposes it.
type Step struct {
	Act       string     `json:"act" doc:"Name of the act, such as 'account show', or of a command of the machine that relay runs on."`
	Arguments []Argument `json:"arguments,omitempty"`
}

// Argument of a proposed act.
type Argument struct {
	Name  string `json:"name,omitempty" doc:"Member of the request; none: the act's object."`
	Value string `json:"value,omitempty"`
}

var stepRE = regexp.MustCompile(`\{([^{}]*)\}`)

// hintOf parses the hint of Fail; all has the known acts by name.
func hintOf(advice string, all map[string]*Spec) *Hint {
	if advice == "" {
		return nil
	}
	h := &Hint{}
	h.Text = stepRE.ReplaceAllStringFunc(advice, func(s string) string {
		h.Acts = append(h.Acts, stepOf(strings.Fields(s[1:len(s)-1]), all))
		return "{" + strconv.Itoa(len(h.Acts)-1) + "}"
	})
	return h
}

// stepOf divides the words of a step into the act with the longest name that fits, and its
// arguments. Without such an act it is a command of the machine, whose name ends at the
// first word in capitals or with a hyphen.
func stepOf(words []string, all map[string]*Spec) Step {
	n := 0
	for i := range words {
		if _, ok := all[strings.Join(words[:i+1], " ")]; ok {
			n = i + 1
		}
	}
	for n == 0 || all[strings.Join(words[:n], " ")] == nil && n < len(words) && plainWord(words[n]) {
		n++
	}
	s := Step{Act: strings.Join(words[:n], " ")}
	for _, w := range words[n:] {
		last := len(s.Arguments) - 1
		switch name, flag := strings.CutPrefix(w, "--"); {
		case flag:
			s.Arguments = append(s.Arguments, Argument{Name: strings.ReplaceAll(name, "-", "_")})
		case last >= 0 && s.Arguments[last].Name != "" && s.Arguments[last].Value == "":
			s.Arguments[last].Value = w
		default:
			s.Arguments = append(s.Arguments, Argument{Value: w})
		}
	}
	return s
}

func plainWord(w string) bool { return strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == "" }

// CommandLine returns the step as it is typed, without the program's name.
func (s *Step) CommandLine() string {
	words := []string{s.Act}
	for _, a := range s.Arguments {
		if a.Name != "" {
			words = append(words, "--"+strings.ReplaceAll(a.Name, "_", "-"))
		}
		if a.Value != "" {
			words = append(words, a.Value)
		}
	}
	return strings.Join(words, " ")
}

// Line returns the hint with its acts as command lines of a program.
func (h *Hint) Line(program string) string {
	return stepRE.ReplaceAllStringFunc(h.Text, func(s string) string {
		i, err := strconv.Atoi(s[1 : len(s)-1])
		if err != nil || i < 0 || i >= len(h.Acts) {
			return s
		}
		return program + " " + h.Acts[i].CommandLine()
	})
}

// problemFor returns err as the actor of a request may see it: a step that is not for the
// actor becomes "ask the operator", and faults of the machine are for the operator only.
func problemFor(ctx context.Context, all map[string]*Spec, err error) *Problem {
	p := ProblemOf(err)
	if ActorOf(ctx).Kind != Operator && p.ofMachine() {
		return veiled(p.Type)
	}
	if p.Hint == nil {
		p.Hint = hintOf(p.advice, all)
	}
	if a := ActorOf(ctx); p.Hint != nil && a.Kind != Operator && !canTake(a, all, p.Hint) {
		p.Hint = &Hint{Text: "ask the operator"}
	}
	return p
}

// problem logs what problemFor hides from the actor.
func (m *mount) problem(ctx context.Context, err error) *Problem {
	if ActorOf(ctx).Kind != Operator && ProblemOf(err).ofMachine() {
		m.s.logFailed(ctx, err)
	}
	return problemFor(ctx, m.all, err)
}

// canTake reports whether all steps of a hint are acts for the actor.
func canTake(a Actor, all map[string]*Spec, h *Hint) bool {
	for _, s := range h.Acts {
		if spec := all[s.Act]; spec == nil || !spec.For(a) {
			return false
		}
	}
	return true
}
