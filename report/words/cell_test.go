package words

import "testing"

func TestGuarded(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "boss@acme.test": "boss@acme.test", "a=b": "a=b", "see; that is all": "see; that is all", "it's; so": "it's; so",
		"=1+1": "'=1+1", "-1": "'-1", "+49": "'+49", "@x": "'@x", "'=1": "''=1", `"=1"`: `'"=1"`,
		"x;=1+1": "x;'=1+1", "x;;=1": "x;;'=1", "x\t@y\r\n-z": "x\t'@y\r\n'-z", `x;"=1"`: `x;'"=1"`, "=1;=2;": "'=1;'=2;", ";": ";",
	} {
		if got := Guarded(cell); got != want || Unguarded(got) != cell {
			t.Errorf("Guarded(%q) = %q, want %q; back it is %q", cell, got, want, Unguarded(got))
		}
	}
}

// Any cell comes back as it was.
func FuzzUnguarded(f *testing.F) {
	for _, cell := range []string{"", "'", "''=;\"'+\t", "x;'=1", "\r\n=", "\xff;-"} {
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		if got := Unguarded(Guarded(cell)); got != cell {
			t.Errorf("%q became %q", cell, got)
		}
	})
}
