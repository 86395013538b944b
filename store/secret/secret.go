// Package secret makes and verifies what clients log in with: generated tokens, of which
// SHA-256 is kept, and chosen passwords, of which argon2id is kept. Argon2id is slow on
// purpose, and bounded in how many are computed at the same time.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"

	"relay/store/people"
)

// argon2id as OWASP has it: 19 MiB, two passes, one lane. About 25 ms.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
)

// Hashing bounds the memory of hashes that are computed at the same time.
var Hashing = make(chan struct{}, max(1, min(runtime.GOMAXPROCS(0), 2)))

// NewToken makes a secret of 160 bits, which nobody can guess, and the hash that
// is stored of it.
func NewToken() (secret, hash string) {
	secret = rand.Text() + rand.Text()[:6]
	return secret, HashToken(secret)
}

// HashToken returns what is stored of a token.
func HashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// HashPassword hashes a password that a person chose, in PHC string form.
func HashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(argon(password, salt, argonTime, argonMemory, argonLanes, argonKey)))
}

var b64 = base64.RawStdEncoding

func argon(password string, salt []byte, time, memory uint32, lanes uint8, n uint32) []byte {
	Hashing <- struct{}{}
	defer func() { <-Hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, lanes, n)
}

// Verify reports whether secret is what the credential's hash was made of. A
// hash that cannot be read fits nothing.
func Verify(c people.Credential, secret string) bool {
	switch c.Kind {
	case people.Token:
		return equal(HashToken(secret), c.Hash)
	case people.Password:
		return verifyPassword(c.Hash, secret)
	}
	return false
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// VerifySlowly is Verify where the secret is wrong, or is a person's: it costs the
// same for a generated password, a hash that cannot be read, and nobody's name.
func VerifySlowly(c people.Credential, secret string) bool {
	h, ok := parsePHC(c.Hash)
	if c.Kind != people.Password || !ok {
		h, ok = nobodys, false
	}
	return h.fits(secret) && ok
}

// IsToken reports whether secret is a generated password, and right.
func IsToken(c people.Credential, secret string) bool {
	return c.Kind == people.Token && Verify(c, secret)
}

func verifyPassword(phc, password string) bool {
	h, ok := parsePHC(phc)
	return ok && h.fits(password)
}

// passwordHash is what argon2id made of a password.
type passwordHash struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

// nobodys is the hash of no password, to be compared where there is none.
var nobodys = passwordHash{argonMemory, argonTime, argonLanes, make([]byte, 16), make([]byte, argonKey)}

func (h *passwordHash) fits(password string) bool {
	return subtle.ConstantTimeCompare(h.key, argon(password, h.salt, h.time, h.memory, h.lanes, uint32(len(h.key)))) == 1
}

// parsePHC reads what HashPassword wrote; ok is false for what cannot be read, or
// would take too long.
func parsePHC(phc string) (h passwordHash, ok bool) {
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[1] != "argon2id" {
		return h, false
	}
	var version int
	if _, err := fmt.Sscanf(part[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, false
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.lanes); err != nil {
		return h, false
	}
	var err1, err2 error
	h.salt, err1 = b64.DecodeString(part[4])
	h.key, err2 = b64.DecodeString(part[5])
	return h, err1 == nil && err2 == nil && len(h.key) >= 16 && h.memory <= 1<<20 && h.time > 0 && h.time <= 16 && h.lanes > 0
}
