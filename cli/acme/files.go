package acme

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"relay/cli/wholefile"
)

// Names of the files in the directory of the certificate. Each is mode 0600.
const (
	pairFile    = "acme.pem"         // key and chain
	noteFile    = "acme.json"        // a Note
	accountFile = "acme-account.key" // what the authority knows relay by
)

// PairFile is the file of the certificate and its key, which may not be there yet.
func PairFile(dir string) string { return filepath.Join(dir, pairFile) }

// Note says how the authority was asked the last time. File acme.json.
type Note struct {
	Directory string    `json:"directory"`
	Names     []string  `json:"names"`
	IssuedBy  string    `json:"issued_by,omitempty"` // directory of the authority that issued acme.pem; "": not known
	Failures  int       `json:"failures"`            // since the last success
	Problem   string    `json:"problem,omitempty"`   // of the last failure
	Failed    time.Time `json:"failed,omitzero"`     // when that was
	Next      time.Time `json:"next,omitzero"`       // nothing is asked before
}

// ReadNote returns the note in a directory. Without one, or with one that cannot be read,
// nothing was asked yet.
func ReadNote(dir string) (n Note) {
	text, err := os.ReadFile(filepath.Join(dir, noteFile))
	if err != nil || json.Unmarshal(text, &n) != nil {
		return Note{}
	}
	return n
}

// fits reports whether the note is about this directory and these names.
func (n *Note) fits(o *Options) bool {
	return n.Directory == o.Directory && slices.Equal(n.Names, o.Names)
}

func (n *Note) write(dir string) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(filepath.Join(dir, noteFile), append(text, '\n'))
}

// readPair returns the certificate in a directory; nil: there is none.
func readPair(dir string) (*tls.Certificate, error) {
	text, err := os.ReadFile(PairFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parsePair(text)
}

func parsePair(text []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pairFile, err)
	}
	return &pair, nil
}

// encodePair writes key and chain as acme.pem has them.
func encodePair(key *ecdsa.PrivateKey, chain [][]byte) ([]byte, error) {
	var b bytes.Buffer
	if err := encodeKey(&b, key); err != nil {
		return nil, err
	}
	for _, der := range chain {
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func encodeKey(b *bytes.Buffer, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return pem.Encode(b, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// accountKey returns the key that the authority knows relay by, and makes one at the first
// call. An authority that does not know it gets to know it: nothing is lost with it.
func accountKey(dir string) (*ecdsa.PrivateKey, error) {
	path := filepath.Join(dir, accountFile)
	if text, err := os.ReadFile(path); err == nil {
		if block, _ := pem.Decode(text); block != nil {
			if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
				if key, ok := key.(*ecdsa.PrivateKey); ok {
					return key, nil
				}
			}
		}
		return nil, fmt.Errorf("%s is not a key that relay made: move it away", path)
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := encodeKey(&b, key); err != nil {
		return nil, err
	}
	return key, wholefile.Write(path, b.Bytes())
}
