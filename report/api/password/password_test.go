package password

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCheck(t *testing.T) {
	for s, want := range map[string]string{
		"":                                     "at least 8",
		"short":                                "at least 8",
		"ääääää7":                              "at least 8",
		"has a \x00 in it":                     "NUL",
		strings.Repeat("long ", 205):           "1,024 octets",
		"password":                             "tries first",
		"PassWord":                             "tries first",
		"Password2026!":                        "tries first",
		"qwertzuiop":                           "tries first",
		"12345678":                             "tries first",
		"987654321":                            "tries first",
		"0123456789":                           "tries first",
		"abcdefghijkl":                         "tries first",
		"AAAAAAAAAA":                           "tries first",
		"ababababab":                           "tries first",
		"juventus":                             "tries first",
		"correct horse battery staple":         "",
		"a-long-password":                      "",
		"passwordsafe of my aunt":              "",
		"äöüäöüäö":                             "",
		"20261129":                             "",
		strings.Repeat("0123456789abcdef", 64): "",
	} {
		err := Check(s)
		if got := errText(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("Check(%.40q) = %v, want %q", s, err, want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRead(t *testing.T) {
	for _, text := range []string{"correct horse", "correct horse\n", "correct horse\r\nnext\n"} {
		if s, bad, err := Read(strings.NewReader(text)); s != "correct horse" || bad != nil || err != nil {
			t.Errorf("Read(%q) = %q, %v, %v", text, s, bad, err)
		}
	}
	long := strings.Repeat("0123456789abcdef", 64)
	if s, bad, err := Read(strings.NewReader(long + "\r\n")); s != long || bad != nil || err != nil {
		t.Errorf("1,024 octets: %d, %v, %v", len(s), bad, err)
	}
	if _, bad, _ := Read(strings.NewReader(long + "x\n")); bad == nil {
		t.Error("one octet more was cut")
	}
	if _, _, err := Read(iotest.ErrReader(errors.New("gone"))); err == nil {
		t.Error("no error")
	}
}

// Each line of the list could be chosen: it is long enough, and in lower case.
func TestList(t *testing.T) {
	seen := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		if len(w) < Shortest || strings.ToLower(w) != w || seen[w] {
			t.Errorf("%q stands in the list for nothing", w)
		}
		seen[w] = true
	}
}
