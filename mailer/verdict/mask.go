package verdict

import "strings"

// masked replaces an address, a host's own name or an id.
const masked = '*'

// Normalise makes texts of one kind equal. Rules are compared with its result: lower case,
// single spaces, without repeated codes, and with a * for each mail or network address,
// id, and label with a number in a host name.
func Normalise(text string) string { return string(normalise(make([]byte, 0, len(text)), text)) }

// Group is Normalise with numbers and times masked too: replies that differ only in how
// long to wait are one group.
func Group(text string) string {
	b := normalise(make([]byte, 0, len(text)), text)
	out := b[:0]
	for i := 0; i < len(b); {
		n := runOf(b[i:], letterOrDigit)
		if n == 0 {
			out = append(out, b[i])
			i++
			continue
		}
		if numeral(b[i : i+n]) {
			out = append(out, masked)
		} else {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	return string(out)
}

// numeral reports whether b is a number, perhaps with a unit of one letter.
func numeral(b []byte) bool {
	n := runOf(b, digit)
	return n > 0 && n >= len(b)-1
}

func runOf(b []byte, is func(byte) bool) int {
	n := 0
	for n < len(b) && is(b[n]) {
		n++
	}
	return n
}

func letter(b byte) bool        { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
func letterOrDigit(b byte) bool { return digit(b) || letter(b) || b >= 0x80 }

func normalise(out []byte, text string) []byte {
	ascii := true
	for i := range len(text) {
		ascii = ascii && text[i] < 0x80
	}
	if !ascii {
		text = strings.ToLower(strings.ToValidUTF8(text, "?"))
	}
	for word := range strings.FieldsSeq(text) {
		if repeatedCode(word) {
			continue
		}
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = maskWord(out, word)
	}
	return out
}

// repeatedCode reports whether a word is the code that begins a further line of a joined
// reply.
func repeatedCode(word string) bool {
	if len(word) < 4 || word[3] != '-' {
		return false
	}
	code, rest := cutCode(word)
	if code == 0 {
		return false
	}
	_, n := enhancedAt(rest)
	return rest == "" || n > 0 && n == len(rest)
}

// maskWord appends a word without spaces, in lower case.
func maskWord(out []byte, word string) []byte {
	for word != "" {
		n := strings.IndexFunc(word, bracket)
		switch {
		case n == 0:
			out = append(out, word[0])
			word = word[1:]
			continue
		case n < 0:
			n = len(word)
		}
		out = maskPart(out, word[:n])
		word = word[n:]
	}
	return out
}

// bracket reports whether r cannot be part of an address.
func bracket(r rune) bool { return r < 0x80 && strings.IndexByte(`<>()[]{},;"'`, byte(r)) >= 0 }

// maskPart appends what stands between brackets and commas.
func maskPart(out []byte, part string) []byte {
	if at := strings.IndexByte(part, '@'); at >= 0 && at < len(part)-1 && !strings.Contains(part, "://") {
		end := at + 1
		for end < len(part) && (letterOrDigit(part[end]) || part[end] == '-' || part[end] == '.' && end < len(part)-1) {
			end++
		}
		return maskPart(append(out, masked), part[end:])
	}
	if n := ipv6(part); n > 0 {
		return maskPart(append(out, masked), part[n:])
	}
	for part != "" {
		n := strings.IndexAny(part, "=&?/:#|!~`\\*")
		if n == 0 {
			out = append(out, part[0])
			part = part[1:]
			continue
		}
		if n < 0 {
			n = len(part)
		}
		out = maskToken(out, part[:n])
		part = part[n:]
	}
	return out
}

// ipv6 returns the length of the address at the beginning; 0: there is none.
func ipv6(s string) int {
	n, colons := 0, 0
	for n < len(s) && (s[n] == ':' || s[n] == '.' || hex(s[n])) {
		if s[n] == ':' {
			colons++
		}
		n++
	}
	if n < len(s) && letterOrDigit(s[n]) {
		return 0
	}
	for n > 0 && (s[n-1] == ':' && !strings.HasSuffix(s[:n], "::") || s[n-1] == '.') {
		if s[n-1] == ':' {
			colons--
		}
		n--
	}
	if colons < 3 && !(colons == 2 && strings.Contains(s[:n], "::")) {
		return 0
	}
	return n
}

func hex(b byte) bool { return digit(b) || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' }

// maskToken appends a name, number or id: labels between dots.
func maskToken(out []byte, token string) []byte {
	core := strings.TrimRight(token, ".")
	if core != "" && ipv4(core) {
		return append(append(out, masked), token[len(core):]...)
	}
	host := hostName(core)
	for token != "" {
		n := strings.IndexByte(token, '.')
		switch {
		case n == 0:
			out = append(out, '.')
			token = token[1:]
			continue
		case n < 0:
			n = len(token)
		}
		if label := token[:n]; id(label) || host && strings.ContainsFunc(label, func(r rune) bool { return r < 0x80 && digit(byte(r)) }) {
			out = append(out, masked)
		} else {
			out = appendLower(out, label)
		}
		token = token[n:]
	}
	return out
}

func appendLower(out []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return out
}

// ipv4 reports whether s is four numbers with dots between.
func ipv4(s string) bool {
	numbers := 0
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 3 || strings.IndexFunc(label, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
			return false
		}
		numbers++
	}
	return numbers == 4
}

// hostName reports whether s is a name of two labels or more, the last without digits.
func hostName(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot <= 0 || len(s)-dot < 3 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !letterOrDigit(c) && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	for i := dot + 1; i < len(s); i++ {
		if digit(s[i]) {
			return false
		}
	}
	return true
}

// Least lengths of letters mixed with digits that are an id. Codes that a provider's pages
// explain, such as S2017062302, are shorter.
const (
	shortestID  = 12
	shortestHex = 10 // of hexadecimal digits alone, as in queue ids of Postfix
)

// id reports whether a label looks like an id of one message or host.
func id(s string) bool {
	if len(s) < shortestHex {
		return false
	}
	letters, digits, allHex := 0, 0, true
	for i := range len(s) {
		switch c := s[i]; {
		case digit(c):
			digits++
		case letter(c):
			letters++
			allHex = allHex && hex(c)
		}
	}
	return digits > 1 && letters > 0 && (len(s) >= shortestID || allHex)
}
