package words

import "strings"

// formula is how a cell begins that a spreadsheet takes for a formula.
const formula = "=+-@"

// inside are the characters in a cell at which a spreadsheet may split it: one that is set to
// semicolons or tabs takes no notice of the quotes of a file with commas.
const inside = ";\t\r\n"

// Guarded puts an apostrophe before each part of a cell of CSV that a spreadsheet would read as
// a formula: at its beginning, and behind what it may be split at. Unguarded takes them away
// again, from any cell exactly as it was.
func Guarded(cell string) string {
	if !strings.ContainsAny(cell, formula) {
		return cell
	}
	var b strings.Builder
	for part := range parts(cell) {
		if isFormula(part) {
			b.WriteByte('\'')
		}
		b.WriteString(part)
	}
	return b.String()
}

// Unguarded takes the apostrophes of Guarded away.
func Unguarded(cell string) string {
	if !strings.Contains(cell, "'") {
		return cell
	}
	var b strings.Builder
	for part := range parts(cell) {
		if part[0] == '\'' && isFormula(part[1:]) {
			part = part[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}

// isFormula reports whether a part would be one, behind quotes that a program may take away.
func isFormula(part string) bool {
	part = strings.TrimLeft(part, `'"`)
	return part != "" && strings.IndexByte(formula, part[0]) >= 0
}

// parts of a cell, each with the character at its end at which it may be split.
func parts(cell string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for cell != "" {
			end := strings.IndexAny(cell, inside) + 1
			if end == 0 {
				end = len(cell)
			}
			if !yield(cell[:end]) {
				return
			}
			cell = cell[end:]
		}
	}
}
