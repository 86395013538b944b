package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/term"
	"relay/report/words"
	"relay/store"
	"relay/store/bolt"
	"relay/store/highwater"
)

// voidNumbers are the invoice numbers that were issued since the backup.
type voidNumbers struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

func (v *voidNumbers) text() string {
	if v.First == v.Last {
		return fmt.Sprintf("invoice number %d", v.First)
	}
	return fmt.Sprintf("invoice numbers %d to %d", v.First, v.Last)
}

// compareStores finds what the present store has and the copy at path lacks, and lets the
// copy continue after the last known invoice number. A damaged present store does not stop
// the restore.
func (c *Commands) compareStores(ctx context.Context, dir place.Dir, lock *bolt.Claim, path string, res *restoreView) error {
	if dir.HasStore() {
		// The process that compares shares the lock; a relay would need it alone.
		if err := lock.Share(); err != nil {
			return place.Held()
		}
		if err := c.missing(ctx, dir, path, res); err != nil {
			return err
		}
	}
	known, err := highwater.Read(dir.Numbers())
	if err != nil {
		c.Env.Note("the last number of an invoice is not known: %v", err)
	}
	if res.Missing != nil {
		known = max(known, res.Missing.Invoice)
	}
	return c.voidNumbers(path, known, res)
}

// missing finds what the store has and the backup, or its copy, at path lacks. A failure
// is only noted.
func (c *Commands) missing(ctx context.Context, dir place.Dir, path string, res *restoreView) error {
	if !dir.HasStore() {
		return nil
	}
	pr := term.NewProgress(c.Env.Stderr, "comparing", 0)
	found, err := proof.Of(ctx, path, proof.Compare, dir.Store())
	pr.End()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, store.ErrLocked):
		c.Env.Note("what the store has and the backup lacks can be listed while no relay runs")
	case err != nil:
		c.Env.Note("the store that is there cannot be compared with the backup: %v", err)
	default:
		res.Missing = found.Missing
	}
	return nil
}

// voidNumbers declares void the numbers up to known that the copy at path has not issued.
func (c *Commands) voidNumbers(path string, known uint64, res *restoreView) error {
	cfg, err := c.Where.Load()
	if err != nil {
		return err
	}
	st, err := proof.OpenStore(path, store.Options{Zone: cfg.Zone(), Log: proof.OnlyErrors(c.Env.Stderr), Billing: cfg.Billing.Store()})
	if err != nil {
		return err
	}
	first, err := st.Books.VoidInvoices(known, "issued after the backup "+words.Cut(words.Clean(res.File), 100)+", which took the store's place")
	if first != 0 {
		res.Void = &voidNumbers{first, known}
	}
	if e := st.Close(); err == nil {
		err = e
	}
	return err
}

// showMissing lists what the restore loses.
func (c *Commands) showMissing(res *restoreView) error {
	var lines []string
	if m := res.Missing; m != nil {
		for _, l := range []struct {
			list *store.Gap
			one  string
		}{{&m.Accounts, "account"}, {&m.Invoices, "invoice"}, {&m.Payments, "payment"}} {
			if n := l.list.Count; n > 0 {
				lines = append(lines, fmt.Sprintf("not in the backup: %s: %s", words.Plural(n, l.one), words.First(l.list.Names[:min(len(l.list.Names), words.Shown)], int(n))))
			}
		}
		if n := m.Messages.Count; n > 0 {
			lines = append(lines, "not in the backup: "+words.Plural(n, "message")+" of the queue")
		}
	}
	if v := res.Void; v != nil {
		lines = append(lines, fmt.Sprintf("void: %s; the next one is %d", v.text(), v.Last+1))
	}
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(c.Env.Stdout, strings.Join(lines, "\n"))
	return err
}
