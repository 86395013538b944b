package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"relay/cli/control"
	"relay/store"
)

// proof is what came out of proving the store's file.
type proof struct {
	Stats    store.VerifyStats `json:"stats"`
	Problems []string          `json:"problems"` // the first ones
}

// mostProblems that are told; the rest is only counted.
const mostProblems = 100

// proveHere proves the store and writes the proof for the process that asked.
func (p *program) proveHere(ctx context.Context, st *store.Store) error {
	found, err := verify(ctx, st)
	if err != nil {
		return err
	}
	return encode(p.Stdout, found)
}

func verify(ctx context.Context, st *store.Store) (proof, error) {
	found := proof{Problems: []string{}}
	var err error
	found.Stats, err = st.Verify(ctx, func(text string) {
		if len(found.Problems) < mostProblems {
			found.Problems = append(found.Problems, text)
		}
	})
	return found, err
}

// proveStore has the relay prove its store, or does it here.
func (c *checker) proveStore() {
	if c.health == nil && c.dir.isNew() {
		c.add("store", ok, "", "there is none yet")
		return
	}
	var found proof
	client := control.NewClient(c.dir.socket())
	defer client.Close()
	remote := func() error {
		var out bytes.Buffer
		code, err := client.Run(c.ctx, []string{"check", "--store"}, nil, &out, c.Stderr)
		switch {
		case err != nil:
			return err
		case code != exitDone:
			return exitCode(code)
		}
		return json.Unmarshal(out.Bytes(), &found)
	}
	local := func(st *store.Store) (err error) {
		found, err = verify(c.ctx, st)
		return err
	}
	if err := c.eitherWay(c.ctx, &c.cfg, c.dir, remote, local); err != nil {
		c.add("store", failed, "", "%v", err)
		return
	}
	c.judgeProof(&found)
}

func (c *checker) judgeProof(found *proof) {
	s := &found.Stats
	if s.Problems == 0 {
		c.add("store", ok, "", "proved: %s, %s, %s, %s of mail", plural(s.Accounts, "account"),
			plural(s.Messages, "message"), fmt.Sprintf("%d queue entries", s.Queued), size(s.Bodies))
		return
	}
	for _, text := range found.Problems {
		c.add("store", failed, "", "%s", text)
	}
	c.add("store", failed, "stop the relay, keep a copy of the file, and bring back a backup: relay restore FILE",
		"%s", plural(s.Problems, "problem"))
}
