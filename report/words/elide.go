package words

import "regexp"

// beforeVowel finds an Italian article or preposition before a number that is spoken with a
// vowel at its start: otto, undici, ottanta, ottocento, and thousands of them.
var beforeVowel = regexp.MustCompile(`\b([Ii]l|[Aa]l|[Dd]al|[Dd]el|[Nn]el|[Ss]ul) (8|11|8\d|8\d\d)\b`)

// Elide joins articles to the numbers after them where the language does so: "il 8 dicembre"
// becomes "l’8 dicembre". Templates write articles before numbers that they do not know.
func (l Language) Elide(text string) string {
	if l != Italian {
		return text
	}
	return beforeVowel.ReplaceAllStringFunc(text, func(match string) string {
		m := beforeVowel.FindStringSubmatch(match)
		if m[1] == "il" || m[1] == "Il" {
			return map[string]string{"il": "l’", "Il": "L’"}[m[1]] + m[2]
		}
		return m[1] + "l’" + m[2]
	})
}
