package host

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"relay/report/api/act"
	"relay/report/jobs"
	"relay/report/words"
	"relay/store"
)

// Copy describes a copy of the store before it is made.
type Copy struct {
	Format      int       `json:"format"`
	Relay       string    `json:"relay"`    // version that made the copy
	Hostname    string    `json:"hostname"` // of the relay
	Created     time.Time `json:"created"`  // by the clock of the business, UTC
	Wall        time.Time `json:"wall"`     // by the machine's
	store.Image           // size, schema, txid, accounts, totals
}

// CopyFormat is the newest form of Copy that is known.
const CopyFormat = 1

// Copier writes a copy of a store for as long as its context lasts. It calls begin before
// the first octet.
type Copier func(ctx context.Context, w io.Writer, begin func(*Copy) error) error

// CopierOf returns the Copier of an open store. The copies name hostname and version.
func CopierOf(st *store.Store, hostname, version string) Copier {
	return func(ctx context.Context, w io.Writer, begin func(*Copy) error) error {
		_, err := st.Copy(bounded{ctx, w}, func(i store.Image) error {
			return begin(&Copy{Format: CopyFormat, Relay: version, Hostname: hostname,
				Created: st.Now().UTC().Truncate(time.Second), Wall: time.Now().UTC().Truncate(time.Second), Image: i})
		})
		return err
	}
}

// bounded writes until its context ends.
type bounded struct {
	ctx context.Context
	io.Writer
}

// Write implements io.Writer.
func (w bounded) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// AboutHeader carries the Copy, JSON.
const AboutHeader = "Relay-About"

// Kept is the request to record that a copy is whole on disk.
type Kept struct {
	Body struct {
		Created time.Time `json:"created" doc:"As the description of the copy says."`
	}
}

// LastCopy is the newest copy that relay knows of.
type LastCopy struct {
	Created time.Time `json:"created"`
}

// Acts on copies of the store. Clients of any version may ask for them: a copy before an
// upgrade must not need the upgrade.
var (
	ReadCopy = act.NewFile(act.Spec{Name: "backup", Route: "GET /v1/backup", AnyVersion: true, May: act.Operator,
		Summary: "A consistent copy of the store; header " + AboutHeader + " says what is in it, JSON"}, readCopy)
	RecordCopy = act.New(act.Spec{Name: "backup record", Route: "POST /v1/backup", AnyVersion: true, May: act.Operator,
		Summary: "Record that a copy is whole and kept, so that relay health knows of it"}, recordCopy)
)

func readCopy(ctx context.Context, s *act.Service, _ *act.None, out *act.Sink) error {
	if s.Running != nil { // a command on its own store needs no log
		s.Log.Info("the store is copied", "component", "api", "actor", act.ActorOf(ctx).String())
	}
	return CopierOf(s.Store, s.Hostname, s.Version)(ctx, out, func(c *Copy) error {
		text, err := json.Marshal(c)
		out.Header().Set(AboutHeader, string(text))
		return err
	})
}

func recordCopy(_ context.Context, s *act.Service, in *Kept) (*LastCopy, error) {
	if c := in.Body.Created; c.After(s.Store.Now().Add(time.Hour)) { // scheduled copies would not be due before it
		return nil, act.Invalid("created", "the instant that the description of the copy names", " %s is in the future", words.Stamp(c, s.Store.Zone()))
	}
	if err := jobs.RecordBackup(s.Store, in.Body.Created); err != nil {
		return nil, err
	}
	at, _, err := jobs.LastBackup(s.Store)
	return &LastCopy{at}, err
}
