package verdict

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// pattern is an RE2 regular expression that is compared with normalised texts, in any
// case. It is tried only on texts that hold one of its literals.
type pattern struct {
	text     string
	whole    []byte // of a pattern that is one literal; nil: it is not
	tree     *syntax.Regexp
	literals []string // lower case; a text that matches holds one of them

	once sync.Once
	re   *regexp.Regexp // made at the first text that it is tried on: most never are
}

// lean is the pattern without what only the check of a file and the search need: there are
// many, and the garbage collector reads all that lives.
func (p *pattern) lean() *pattern { return &pattern{text: p.text, whole: p.whole} }

// shortestLiteral is long enough that a rule is not tried on nearly every reply.
const shortestLiteral = 3

var (
	errNoLiteral = fmt.Errorf("has no %d letters in a row that a reply must have: it would be tried at every reply", shortestLiteral)
	errMasked    = errors.New("never matches: replies are compared without addresses and with single spaces")
	errEmpty     = errors.New("matches every reply")
)

func compile(text string) (*pattern, error) {
	tree, err := syntax.Parse(text, syntax.Perl|syntax.FoldCase)
	if err != nil {
		return nil, err
	}
	tree = tree.Simplify()
	p := &pattern{text: text, tree: tree, literals: literalsOf(tree)}
	switch {
	case tree.Op == syntax.OpEmptyMatch:
		return nil, errEmpty
	case tree.Op == syntax.OpNoMatch || slices.ContainsFunc(p.literals, neverSaid):
		return nil, errMasked
	case shortest(p.literals) < shortestLiteral:
		return nil, errNoLiteral
	case tree.Op == syntax.OpLiteral:
		p.whole = []byte(p.literals[0])
		return p, nil
	}
	_, err = p.expression()
	return p, err
}

func (p *pattern) expression() (*regexp.Regexp, error) { return regexp.Compile("(?i)" + p.text) }

// neverSaid reports whether no normalised text can hold the literal.
func neverSaid(s string) bool {
	return strings.Contains(s, "  ") || strings.ContainsAny(s, "@\t\r\n")
}

func shortest(list []string) int {
	least := 0
	for i, s := range list {
		if i == 0 || len(s) < least {
			least = len(s)
		}
	}
	return least
}

func (p *pattern) matches(text []byte) bool {
	if p.whole != nil {
		return bytes.Contains(text, p.whole)
	}
	p.once.Do(func() { p.re, _ = p.expression() }) // the check has seen that it can be made
	return p.re.Match(text)
}

func literal(tree *syntax.Regexp) string { return strings.ToLower(string(tree.Rune)) }

// literalsOf returns texts of which each match holds one; nil: there are none.
func literalsOf(tree *syntax.Regexp) []string {
	switch tree.Op {
	case syntax.OpLiteral:
		return []string{literal(tree)}
	case syntax.OpCapture, syntax.OpPlus:
		return literalsOf(tree.Sub[0])
	case syntax.OpRepeat:
		if tree.Min > 0 {
			return literalsOf(tree.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range tree.Sub {
			if list := literalsOf(sub); shortest(list) > shortest(best) {
				best = list
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range tree.Sub {
			list := literalsOf(sub)
			if list == nil {
				return nil
			}
			all = append(all, list...)
		}
		return all
	}
	return nil
}

// covers reports whether p matches all texts that another pattern matches, as far as the
// other's literals tell.
func (p *pattern) covers(other *pattern) bool {
	return p.text == other.text || !anchored(p.tree) && p.coversTree(other.tree)
}

func (p *pattern) coversTree(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpLiteral:
		return p.matches([]byte(literal(tree)))
	case syntax.OpCapture, syntax.OpPlus:
		return p.coversTree(tree.Sub[0])
	case syntax.OpRepeat:
		return tree.Min > 0 && p.coversTree(tree.Sub[0])
	case syntax.OpConcat:
		return slices.ContainsFunc(tree.Sub, p.coversTree)
	case syntax.OpAlternate:
		return !slices.ContainsFunc(tree.Sub, func(sub *syntax.Regexp) bool { return !p.coversTree(sub) })
	}
	return false
}

// anchored reports whether a pattern depends on the text around it.
func anchored(tree *syntax.Regexp) bool {
	switch tree.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(tree.Sub, anchored)
}
