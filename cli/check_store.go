package cli

import (
	"fmt"

	"relay/cli/backup"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/proof"
	"relay/cli/wholefile"
	"relay/report/words"
)

// proveStore proves the store: a copy of it while a relay has it, which is not
// held up by that.
func (c *checker) proveStore() {
	if c.health == nil && c.dir.IsNew() {
		c.add("store", finding.OK, "", "there is none yet")
		return
	}
	path := c.dir.Store()
	if c.health != nil {
		copied, err := c.liveCopy()
		if err != nil {
			c.add("store", finding.Warning, "while a relay runs, a copy beside the store is proved: make room for it, or stop the relay first", "not proved: %v", err)
			return
		}
		defer copied.Discard()
		path = copied.Name()
	}
	found, err := proof.Of(c.ctx, path)
	if err != nil {
		c.add("store", finding.Failed, exit.Hint(err), "%v", err)
		return
	}
	c.judgeProof(&found)
}

// liveCopy has the running relay write a copy of its store beside it.
func (c *checker) liveCopy() (*wholefile.File, error) {
	out, err := wholefile.Begin(string(c.dir), "relay.db.check")
	if err != nil {
		return nil, err
	}
	out.Rest = wholefile.NewPace()
	client := control.NewClient(c.dir.Socket())
	defer client.Close()
	_, err = backup.Take(c.ctx, backup.FromRelay(client), out, c.watched("copying", 0), func(size int64) error { return wholefile.Room(string(c.dir), size) })
	if err != nil {
		out.Discard()
		return nil, err
	}
	return out, nil
}

func (c *checker) judgeProof(found *proof.Result) {
	s := &found.Stats
	if s.Problems == 0 {
		c.add("store", finding.OK, "", "proved: %s, %s, %s, %s of mail", words.Plural(s.Accounts, "account"),
			words.Plural(s.Messages, "message"), entries(s.Queued), words.Size(s.Bodies))
		return
	}
	for _, text := range found.Problems {
		c.add("store", finding.Failed, "", "%s", text)
	}
	c.add("store", finding.Failed, "stop the relay, keep a copy of the file, and bring back a backup: relay restore FILE",
		"%s", words.Plural(s.Problems, "problem"))
}

func entries(n int64) string {
	if n == 1 {
		return "1 queue entry"
	}
	return fmt.Sprintf("%d queue entries", n)
}
