package cli

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relay/cli/shell"
)

// Every exit code that the code has is told by relay --help, by the manual and
// the README, and no other; and none is written as a bare number.
func TestHelp_exitCodes(t *testing.T) {
	used := exitCodesUsed(t)
	if len(used) < 9 {
		t.Fatalf("the code has exit codes %v", used)
	}
	var told []int
	for _, m := range regexp.MustCompile(`(?:^|[:,] )(\d+) [a-z]`).FindAllStringSubmatch(shell.Codes[:strings.Index(shell.Codes, ".")], -1) {
		n, _ := strconv.Atoi(m[1])
		told = append(told, n)
	}
	if !slices.Equal(told, used) {
		t.Errorf("relay --help tells exit codes %v, used are %v", told, used)
	}
	readme, err := os.ReadFile("../README.md")
	if all, _, _ := strings.Cut(shell.Codes, "."); err != nil || !strings.Contains(strings.Join(strings.Fields(string(readme)), " "), all) {
		t.Errorf("the README does not say %q, %v", all, err)
	}
	told = nil
	for _, e := range shell.ExitMeanings {
		told = append(told, e.Code)
	}
	if !slices.Equal(told, used) {
		t.Errorf("the manual tells exit codes %v, used are %v", told, used)
	}
}

// exitCodesUsed are the constants of package exit.
func exitCodesUsed(t *testing.T) (used []int) {
	t.Helper()
	fset, files := sources(t, "cli", "report")
	for folder, list := range files {
		for _, f := range list {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					for i := range n.Names {
						if lit := literalAt(n.Values, i); lit != nil && folder == "cli/exit" {
							code, _ := strconv.Atoi(lit.Value)
							used = append(used, code)
						}
					}
				case *ast.CallExpr:
					if name := selected(n.Fun); (name == "exit.Fail" || name == "exit.Code" || name == "exit.Sentinel") && literalAt(n.Args, 0) != nil {
						t.Errorf("%s: an exit code without a name", fset.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
	slices.Sort(used)
	return slices.Compact(used)
}

// literalAt is the number that stands at a place of a list; nil: none does.
func literalAt(list []ast.Expr, i int) *ast.BasicLit {
	if i >= len(list) {
		return nil
	}
	lit, _ := list[i].(*ast.BasicLit)
	if lit == nil || lit.Kind != token.INT {
		return nil
	}
	return lit
}
