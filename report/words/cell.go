package words

import "strings"

// formula is how a cell begins that a spreadsheet takes for a formula.
const formula = "=+-@"

// Guarded puts an apostrophe before a cell of CSV that a spreadsheet would read as a formula.
func Guarded(cell string) string {
	if cell != "" && strings.ContainsRune(formula, rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// Unguarded takes that apostrophe away.
func Unguarded(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(formula, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}
