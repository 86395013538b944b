package delivered

import (
	"encoding/binary"
	"strings"
	"testing"
)

// A token names its recipient whatever the case of its letters, survives a restart, and
// nobody can make one up. So does one of an older kind.
func TestIndex_ParseToken(t *testing.T) {
	f := open(t)
	m := f.message("acme", "<1@acme>", "a", "b")
	token := f.Token(m, 1)
	raw := binary.BigEndian.AppendUint16(m.ID[:], 1)
	old := strings.ToLower(tokenLetters.EncodeToString(append(raw, f.mac(raw, oldTokenMAC)...)))
	if len(TokenPrefix+token) > 64 || strings.ToLower(token) != token || f.ReturnPath(m, 1, "back.test") != "b+"+token+"@back.test" {
		t.Errorf("token %q", token)
	}
	f.load()
	for text, want := range map[string]bool{
		token: true, strings.ToUpper(token): true, old: true, strings.ToUpper(old): true,
		"": false, token[1:]: false, token + "a": false, old[1:]: false, old + "a": false, token[:len(old)]: false,
		strings.Repeat("!", len(token)): false, strings.Repeat("!", len(old)): false,
	} {
		is, ok := f.ParseToken(text)
		if ok != want || f.KnowsToken(text) != want || ok && (is.ID != m.ID || is.Old != (len(text) == len(old))) {
			t.Errorf("%q: %+v %v", text, is, ok)
		}
		switch {
		case ok && is.Old && is.Rcpt != 1:
			t.Errorf("%q is of recipient %d", text, is.Rcpt)
		case ok && !is.Old && (is.Hash != f.Hash(m.MessageID, m.ID) || is.Box != f.Box("b@x.test")):
			t.Errorf("%q: %+v", text, is)
		}
	}
	for _, text := range []string{token, old} { // each letter but the last, which has bits that mean nothing
		for i := range text[:len(text)-1] {
			letter := "a"
			if text[i] == 'a' {
				letter = "b"
			}
			if is, ok := f.ParseToken(text[:i] + letter + text[i+1:]); ok {
				t.Errorf("letter %d of %s changed: %+v", i, text, is)
			}
		}
	}
}

// A Message-ID has one hash, however a report writes it. What is hashed for one purpose never
// equals what is hashed for another.
func TestIndex_HashOf(t *testing.T) {
	f := open(t)
	m := f.message("acme", "", "ann")
	want := f.Hash("<1@acme>", m.ID)
	for text, is := range map[string]bool{"<1@acme>": true, "1@acme": true, " 1@acme ": true, "(a comment) <1@acme>": true, "< 1@acme >": true, "<1@acme": true, "<2@acme>": false} {
		if h, ok := f.HashOf(text); !ok || (h == want) != is {
			t.Errorf("HashOf(%q) = %x, %v; %x has <1@acme>", text, h, ok, want)
		}
	}
	for _, text := range []string{"", "<>", " ", "< >"} {
		if h, ok := f.HashOf(text); ok || f.Hash(text, m.ID) != f.Hash("", m.ID) {
			t.Errorf("HashOf(%q) = %x", text, h)
		}
	}
	if byID, _ := f.HashOf(string(m.ID[:])); byID == f.Hash("", m.ID) {
		t.Error("a Message-ID has the hash of a message without one")
	}
	if f.Box("x.test") == f.Reporter("x.test") || f.Reporter("X.test") != f.Reporter("x.test") {
		t.Error("a mailbox has the hash of a reporter, or a reporter has two")
	}
}
