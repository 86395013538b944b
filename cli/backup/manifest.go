package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"relay/cli/exit"
	"relay/cli/proof"
	"relay/report/api/host"
	"relay/report/words"
	"relay/store"
	"relay/store/spool"
)

// Manifest describes a copy of the store. It lies beside the copy, JSON.
//
// The manifest of an earlier copy of that name is removed first. Then the copy gets its
// name, and once that is on disk its manifest: a crash in between leaves a whole copy
// without a manifest.
type Manifest struct {
	host.Copy
	SHA256 string `json:"sha256"` // of the copy, hexadecimal
}

// ManifestOf returns the path of the manifest of the copy at path.
func ManifestOf(path string) string { return path + ".manifest" }

// ReadManifest reads the manifest of the copy at path; nil: there is none.
func ReadManifest(path string) (*Manifest, error) {
	text, err := os.ReadFile(ManifestOf(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	const hint = "look at it; without it, under another name, the copy is restored unchecked"
	if err := json.Unmarshal(text, m); err != nil {
		return nil, exit.Fail(exit.Failed, hint, "manifest %s: %w", ManifestOf(path), err)
	}
	if m.Format < 1 || m.Format > host.CopyFormat {
		return nil, exit.Fail(exit.Failed, "run the relay that wrote it, or a newer one",
			"manifest %s: format %d, this relay knows %d", ManifestOf(path), m.Format, host.CopyFormat)
	}
	return m, nil
}

// anotherCopy is the next step when a copy does not fit its manifest.
const anotherCopy = "take another copy: this one has changed since it was written"

// CheckSize fails if the copy has another size.
func (m *Manifest) CheckSize(size int64) error {
	if size != m.Size {
		return exit.Fail(exit.Failed, anotherCopy, "it has %s octets, the manifest says %s", words.Number(size), words.Number(m.Size))
	}
	return nil
}

// CheckSum fails if the copy has another SHA-256.
func (m *Manifest) CheckSum(sum string) error {
	if sum != m.SHA256 {
		return exit.Fail(exit.Failed, anotherCopy, "its SHA-256 is %s, the manifest says %s", sum, m.SHA256)
	}
	return nil
}

// check fails if size, SHA-256 or counts are others.
func (m *Manifest) check(found *proof.Result) error {
	if err := m.CheckSize(found.Size); err != nil {
		return err
	}
	if err := m.CheckSum(found.SHA256); err != nil {
		return err
	}
	return m.CheckProof(&found.Stats)
}

// CheckProof fails if the proved copy holds other numbers of accounts, messages or octets.
func (m *Manifest) CheckProof(s *store.VerifyStats) error {
	if s.Accounts == m.Accounts && s.Totals == m.Totals {
		return nil
	}
	is := func(accounts int64, t spool.Totals) string {
		return fmt.Sprintf("%s, %s, %s, %s octets", words.Plural(accounts, "account"), words.Plural(t.Messages, "message"),
			words.Plural(t.Recipients, "recipient"), words.Number(t.Bytes))
	}
	return exit.Fail(exit.Failed, anotherCopy, "it holds %s; the manifest says %s", is(s.Accounts, s.Totals), is(m.Accounts, m.Totals))
}
