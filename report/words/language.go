package words

import "strings"

// The languages that relay writes to customers in.
const (
	English Language = "en" // the language of all else that relay says
	German  Language = "de"
	Italian Language = "it"
)

// Languages lists them, the first as the default.
var Languages = []Language{English, German, Italian}

// LanguageCodes are the Languages as accounts and relay.toml name them.
func LanguageCodes() (codes []string) {
	for _, l := range Languages {
		codes = append(codes, string(l))
	}
	return codes
}

// Spoken returns the language of a code such as de, and the default where there is none
// such.
func Spoken(code string) Language {
	for _, l := range Languages {
		if string(l) == code {
			return l
		}
	}
	return English
}

// pick returns the text in the language.
func (l Language) pick(english, german, italian string) string {
	switch l {
	case German:
		return german
	case Italian:
		return italian
	}
	return english
}

// NoBreak is the space that keeps a number on one line with its unit.
const NoBreak = "\u00a0"

// Spaces writes ordinary spaces for NoBreak, for subjects and text that is wrapped
// already.
func Spaces(text string) string { return strings.ReplaceAll(text, NoBreak, " ") }
