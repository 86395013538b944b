package wording

import (
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"

	"relay/report/letter"
)

// quoter is the name of the function that quotes.
const quoter = "_quote"

// quote is what becomes of each value that a template writes.
func quote(value any) string { return letter.Quote(fmt.Sprint(value)) }

// quoteAll adds the quoting of values to each action of a template and of those it uses
// that writes one, as html/template does. It may find trees that have it already.
func quoteAll(t *template.Template) {
	for _, one := range t.Templates() {
		if one.Tree != nil {
			eachNode(one.Root, func(n parse.Node) {
				if a, ok := n.(*parse.ActionNode); ok && len(a.Pipe.Decl) == 0 {
					quotePipe(one.Tree, a.Pipe)
				}
			})
		}
	}
}

func quotePipe(tree *parse.Tree, p *parse.PipeNode) {
	last := p.Cmds[len(p.Cmds)-1]
	if id, ok := last.Args[0].(*parse.IdentifierNode); ok && id.Ident == quoter {
		return
	}
	id := parse.NewIdentifier(quoter).SetTree(tree).SetPos(p.Pos)
	p.Cmds = append(p.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: p.Pos, Args: []parse.Node{id}})
}

// eachNode calls fn for the nodes of a tree that are no expressions.
func eachNode(n parse.Node, fn func(parse.Node)) {
	if n == nil {
		return
	}
	fn(n)
	branch := func(b *parse.BranchNode) {
		eachNode(b.List, fn)
		if b.ElseList != nil {
			eachNode(b.ElseList, fn)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, one := range n.Nodes {
			eachNode(one, fn)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	}
}

// aloneRE is a line that has nothing but one action that writes nothing itself.
var aloneRE = regexp.MustCompile(`^[ \t]*\{\{-?[ \t]*(?:(?:if|else|end|range|with|define|break|continue|\$\w+[ \t]*:?=)\b?[^{}]*|/\*.*\*/)[ \t]*-?\}\}[ \t]*$`)

// joined takes away the ends of lines that have nothing but such an action, so that they
// leave no empty line, which would end a paragraph. The line break moves into the action,
// so that mistakes keep their lines.
func joined(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\r\n")
		if !aloneRE.MatchString(bare) || bare == line {
			b.WriteString(strings.ReplaceAll(line, "\r\n", "\n"))
			continue
		}
		bare = strings.TrimSpace(bare)
		end := "}}"
		for _, e := range []string{" -}}", "*/}}"} {
			if strings.HasSuffix(bare, e) {
				end = e
			}
		}
		b.WriteString(strings.TrimSuffix(bare, end) + "\n" + end)
	}
	return b.String()
}
