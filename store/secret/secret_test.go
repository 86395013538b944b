package secret

import (
	"strings"
	"testing"
	"testing/synctest"

	"relay/store/people"
)

func TestVerify(t *testing.T) {
	password, hash := NewToken()
	if len(password) < 26 { // of 5 bits
		t.Errorf("token %q has less than 128 bits", password)
	}
	if other, _ := NewToken(); other == password {
		t.Error("two tokens are the same")
	}
	phc := HashPassword("päss")
	for _, c := range []struct {
		name     string
		cred     people.Credential
		password string
		want     bool
	}{
		{"token", people.Credential{Kind: people.Token, Hash: hash}, password, true},
		{"other token", people.Credential{Kind: people.Token, Hash: hash}, password + "x", false},
		{"hash as token", people.Credential{Kind: people.Token, Hash: hash}, hash, false},
		{"password", people.Credential{Kind: people.Password, Hash: phc}, "päss", true},
		{"other password", people.Credential{Kind: people.Password, Hash: phc}, "pass", false},
		{"token kind of a password", people.Credential{Kind: people.Token, Hash: phc}, "päss", false},
		{"empty hash", people.Credential{Kind: people.Password}, "", false},
		{"empty token", people.Credential{Kind: people.Token}, "", false},
		{"unknown kind", people.Credential{Kind: "plain", Hash: "x"}, "x", false},
		{"broken hash", people.Credential{Kind: people.Password, Hash: "$argon2id$v=19$m=19456,t=0,p=1$YWJj$YWJj"}, "x", false},
		{"greedy hash", people.Credential{Kind: people.Password, Hash: strings.Replace(phc, "m=19456", "m=99999999", 1)}, "päss", false},
	} {
		if got := Verify(c.cred, c.password); got != c.want {
			t.Errorf("%s: Verify = %v", c.name, got)
		}
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q", phc)
	}
}

// What is wrong costs one argon2id, with the parameters of a person's password:
// whatever kind of login it is, and if there is none.
func TestVerifySlowly(t *testing.T) {
	_, token := NewToken()
	for name, c := range map[string]people.Credential{
		"nobody": {}, "generated": {Kind: people.Token, Hash: token}, "unreadable": {Kind: people.Password, Hash: "x"},
		"a person's": {Kind: people.Password, Hash: HashPassword("pw")},
	} {
		synctest.Test(t, func(t *testing.T) {
			defer func(was chan struct{}) { Hashing = was }(Hashing)
			Hashing = make(chan struct{}, 1)
			Hashing <- struct{}{} // busy
			done := make(chan bool, 1)
			go func() { done <- VerifySlowly(c, "wrong") }()
			synctest.Wait()
			select {
			case <-done:
				t.Errorf("%s: answered without a hash", name)
			default:
				<-Hashing
				if <-done {
					t.Errorf("%s: wrong is right", name)
				}
			}
		})
	}
	h, ok := parsePHC(HashPassword("x"))
	if !ok || h.memory != nobodys.memory || h.time != nobodys.time || h.lanes != nobodys.lanes || len(h.salt) != len(nobodys.salt) || len(h.key) != len(nobodys.key) {
		t.Errorf("a hash has other parameters than nobody's: %+v", h)
	}
	if !VerifySlowly(people.Credential{Kind: people.Password, Hash: HashPassword("pw")}, "pw") {
		t.Error("right is wrong")
	}
}
