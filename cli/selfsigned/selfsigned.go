// Package selfsigned makes the certificate of a relay that has none from an authority.
package selfsigned

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"time"

	"relay/cli/wholefile"
)

// Life of a certificate. Some clients refuse one that is good for longer.
const Life = 800 * 24 * time.Hour

// Make writes a certificate for hostname that holds from now on. A key that is there is
// kept.
func Make(certFile, keyFile, hostname string, now time.Time) error {
	key, err := keptKey(keyFile)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: hostname},
		DNSNames:              []string{hostname},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(Life),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	return write(certFile, "CERTIFICATE", der)
}

// keptKey is the key in the file, or a new one. It is written before its certificate, so
// that a crash between the two leaves no certificate without a key.
func keptKey(file string) (*ecdsa.PrivateKey, error) {
	if old := ReadKey(file); old != nil {
		return old, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, write(file, "PRIVATE KEY", pkcs8)
}

// ReadKey reads a key that Make wrote; nil: it is none.
func ReadKey(file string) *ecdsa.PrivateKey {
	text, err := os.ReadFile(file)
	block, _ := pem.Decode(text)
	if err != nil || block == nil {
		return nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	made, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil
	}
	return made
}

func write(path, kind string, der []byte) error {
	return wholefile.Write(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
