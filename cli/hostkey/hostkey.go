// Package hostkey is the host's own key for DKIM (RFC 6376): a file that relay init makes
// in the data directory, named by its selector. It signs relay's own mail, such as
// DSNs and letters, and the mail of accounts that have service_signature.
package hostkey

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relay/cli/exit"
)

// Key is the host's key.
type Key struct {
	Selector string // under which the DNS has the public part
	Private  *rsa.PrivateKey
}

// bits of a key. Not every resolver takes more, and receivers refuse less (RFC 8301 §3.2).
const bits = 2048

const ending = ".key"

// New makes the text of a key's file, and the name that the file is to have.
func New(now time.Time) (name string, text []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return "", nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return "relay" + now.Format("200601") + ending, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// Newest is the file of the newest key in a folder; "": there is none.
func Newest(dir string) (string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[len(names)-1], nil // selectors with a date sort by it
}

// Read reads the key in a file.
func Read(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	const hint = "move it away, and relay init makes another one"
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, exit.Fail(exit.Failed, hint, "%s is not a PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, isRSA := key.(*rsa.PrivateKey)
	if err != nil || !isRSA {
		return nil, exit.Fail(exit.Failed, hint, "%s is not an RSA key in PKCS #8", path)
	}
	return &Key{strings.TrimSuffix(filepath.Base(path), ending), private}, nil
}

// Public is the public part as a record has it (RFC 6376 §3.6.1).
func (k *Key) Public() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(&k.Private.PublicKey)
	return base64.StdEncoding.EncodeToString(der), err
}

// Record is the text under which the key is published.
func (k *Key) Record() (string, error) {
	public, err := k.Public()
	return "v=DKIM1; k=rsa; p=" + public, err
}
