package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"relay/cli/exit"
	"relay/report/words"
	"relay/store"
)

// manifestFormat is the newest form of a manifest that is known.
const manifestFormat = 1

// manifest says what a copy of the store is. It lies beside the copy, JSON.
//
// The copy gets its name first, and the manifest when that is on disk: a crash in
// between leaves a whole copy without a manifest. One that describes an earlier
// copy of that name is removed before.
type manifest struct {
	Format      int       `json:"format"`
	Relay       string    `json:"relay"`    // version that made the copy
	Hostname    string    `json:"hostname"` // of the relay
	Created     time.Time `json:"created"`  // by the clock of the business, UTC
	Wall        time.Time `json:"wall"`     // by the machine's
	store.Image           // size, schema, txid, accounts, totals
	SHA256      string    `json:"sha256"` // of the copy, hexadecimal
}

// manifestOf is the path of the manifest of the copy at path.
func manifestOf(path string) string { return path + ".manifest" }

// origin is the relay whose store is copied.
type origin struct {
	host    string
	version string
}

// newManifest describes a copy that is about to be made; what it adds up to is not
// known yet.
func newManifest(by origin, now time.Time, image store.Image) *manifest {
	return &manifest{
		Format: manifestFormat, Relay: by.version, Hostname: by.host,
		Created: now.UTC().Truncate(time.Second), Wall: time.Now().UTC().Truncate(time.Second), Image: image,
	}
}

// readManifest reads that of the copy at path; nil when there is none.
func readManifest(path string) (*manifest, error) {
	text, err := os.ReadFile(manifestOf(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	const hint = "look at it; without it, under another name, the copy is restored unchecked"
	if err := json.Unmarshal(text, m); err != nil {
		return nil, exit.Fail(exit.Failed, hint, "manifest %s: %w", manifestOf(path), err)
	}
	if m.Format < 1 || m.Format > manifestFormat {
		return nil, exit.Fail(exit.Failed, "run the relay that wrote it, or a newer one",
			"manifest %s: format %d, this relay knows %d", manifestOf(path), m.Format, manifestFormat)
	}
	return m, nil
}

// anotherCopy is the next step with a copy that is not what it was.
const anotherCopy = "take another copy: this one is not what was written"

func (m *manifest) checkSize(size int64) error {
	if size != m.Size {
		return exit.Fail(exit.Failed, anotherCopy, "it has %s octets, the manifest says %s", words.Number(size), words.Number(m.Size))
	}
	return nil
}

func (m *manifest) checkSum(sum string) error {
	if sum != m.SHA256 {
		return exit.Fail(exit.Failed, anotherCopy, "its SHA-256 is %s, the manifest says %s", sum, m.SHA256)
	}
	return nil
}

// check compares all that was found.
func (m *manifest) check(found *proof) error {
	if err := m.checkSize(found.Size); err != nil {
		return err
	}
	if err := m.checkSum(found.SHA256); err != nil {
		return err
	}
	return m.checkProof(&found.Stats)
}

// checkProof compares the counts.
func (m *manifest) checkProof(s *store.VerifyStats) error {
	if s.Accounts == m.Accounts && s.Totals == m.Totals {
		return nil
	}
	is := func(accounts int64, t store.Totals) string {
		return fmt.Sprintf("%s, %s, %s, %s octets", words.Plural(accounts, "account"), words.Plural(t.Messages, "message"),
			words.Plural(t.Recipients, "recipient"), words.Number(t.Bytes))
	}
	return exit.Fail(exit.Failed, anotherCopy, "it holds %s; the manifest says %s", is(s.Accounts, s.Totals), is(m.Accounts, m.Totals))
}
