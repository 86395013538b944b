package wording

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// check finds what a template names that a view does not have, in all its branches:
// text/template itself finds it only in those that a mail happens to run through.
func check(t *template.Template, view any) error {
	c := &checker{set: t, seen: map[string]bool{}}
	dot := reflect.TypeOf(view)
	c.walk(t.Tree, t.Root, dot, variables{"$": dot})
	return errors.Join(c.wrong...)
}

// checker follows the types of a template's values. A nil type is one that is not known,
// of which everything is allowed.
type checker struct {
	set   *template.Template
	seen  map[string]bool // templates with the type of their dot
	wrong []error
}

// variables by name, with their types.
type variables map[string]reflect.Type

func (v variables) with(decl []*parse.VariableNode, types ...reflect.Type) variables {
	next := variables{}
	for name, t := range v {
		next[name] = t
	}
	for i, d := range decl {
		next[d.Ident[0]] = types[i]
	}
	return next
}

// walk checks a list of nodes and those below them.
func (c *checker) walk(tree *parse.Tree, list *parse.ListNode, dot reflect.Type, vars variables) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			t := c.pipe(tree, n.Pipe, dot, vars)
			if len(n.Pipe.Decl) == 1 {
				vars = vars.with(n.Pipe.Decl, t)
			}
		case *parse.IfNode:
			c.branch(tree, &n.BranchNode, dot, dot, vars)
		case *parse.WithNode:
			c.branch(tree, &n.BranchNode, dot, c.pipe(tree, n.Pipe, dot, vars), vars)
		case *parse.RangeNode:
			c.loop(tree, n, dot, vars)
		case *parse.TemplateNode:
			c.call(tree, n, dot, vars)
		}
	}
}

// branch checks an if or with; inside is the dot of its first list.
func (c *checker) branch(tree *parse.Tree, b *parse.BranchNode, dot, inside reflect.Type, vars variables) {
	t := c.pipe(tree, b.Pipe, dot, vars)
	if len(b.Pipe.Decl) == 1 {
		vars = vars.with(b.Pipe.Decl, t)
	}
	c.walk(tree, b.List, inside, vars)
	c.walk(tree, b.ElseList, dot, vars)
}

func (c *checker) loop(tree *parse.Tree, n *parse.RangeNode, dot reflect.Type, vars variables) {
	t := c.pipe(tree, n.Pipe, dot, vars)
	var index, item reflect.Type
	if t != nil {
		switch t.Kind() {
		case reflect.Slice, reflect.Array:
			index, item = reflect.TypeFor[int](), t.Elem()
		default: // of a number too: it may be one that nobody lives to see the end of
			c.say(tree, n, "%s is no list", n.Pipe)
		}
	}
	inside := vars
	switch len(n.Pipe.Decl) {
	case 1:
		inside = vars.with(n.Pipe.Decl, item)
	case 2:
		inside = vars.with(n.Pipe.Decl, index, item)
	}
	c.walk(tree, n.List, item, inside)
	c.walk(tree, n.ElseList, dot, vars)
}

// call checks a template that another one uses, once for each type of its dot.
func (c *checker) call(tree *parse.Tree, n *parse.TemplateNode, dot reflect.Type, vars variables) {
	var arg reflect.Type
	if n.Pipe != nil {
		arg = c.pipe(tree, n.Pipe, dot, vars)
	}
	t := c.set.Lookup(n.Name)
	if t == nil || t.Tree == nil {
		c.say(tree, n, "there is no part %q", n.Name)
		return
	}
	key := fmt.Sprint(n.Name, "\x00", arg)
	if !c.seen[key] {
		c.seen[key] = true
		c.walk(t.Tree, t.Root, arg, variables{"$": arg})
	}
}

// pipe is the type of the value of commands, each of which gets that of the one before.
func (c *checker) pipe(tree *parse.Tree, p *parse.PipeNode, dot reflect.Type, vars variables) (t reflect.Type) {
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args[1:] {
			c.value(tree, arg, dot, vars)
		}
		t = c.value(tree, cmd.Args[0], dot, vars)
	}
	return t
}

func (c *checker) value(tree *parse.Tree, n parse.Node, dot reflect.Type, vars variables) reflect.Type {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return c.fields(tree, n, dot, n.Ident)
	case *parse.VariableNode:
		return c.fields(tree, n, vars[n.Ident[0]], n.Ident[1:])
	case *parse.ChainNode:
		return c.fields(tree, n, c.value(tree, n.Node, dot, vars), n.Field)
	case *parse.PipeNode:
		return c.pipe(tree, n, dot, vars)
	case *parse.NumberNode:
		return reflect.TypeFor[int]()
	case *parse.IdentifierNode:
		if fn := reflect.TypeOf(functions("")[n.Ident]); fn != nil {
			return fn.Out(0)
		}
	}
	return nil
}

// fields follows names from a type.
func (c *checker) fields(tree *parse.Tree, n parse.Node, t reflect.Type, names []string) reflect.Type {
	for _, name := range names {
		if t == nil {
			return nil
		}
		next, ok := member(t, name)
		if !ok {
			c.say(tree, n, "there is no %s in %s; there are %s", name, n, strings.Join(members(t), ", "))
			return nil
		}
		t = next
	}
	return t
}

// member of a value: a method or a field.
func member(t reflect.Type, name string) (reflect.Type, bool) {
	if m, ok := t.MethodByName(name); ok && m.Type.NumOut() > 0 {
		return m.Type.Out(0), true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		if f, ok := t.FieldByName(name); ok && f.IsExported() {
			return f.Type, true
		}
	}
	return nil, false
}

// members of a value, by name.
func members(t reflect.Type) (list []string) {
	for m := range t.Methods() {
		list = append(list, m.Name)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && t.PkgPath() != "time" {
		for f := range t.Fields() {
			if f.IsExported() && !f.Anonymous {
				list = append(list, f.Name)
			}
		}
	}
	slices.Sort(list)
	return list
}

func (c *checker) say(tree *parse.Tree, n parse.Node, format string, args ...any) {
	where, _ := tree.ErrorContext(n)
	c.wrong = append(c.wrong, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}
