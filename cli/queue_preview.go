package cli

import (
	"errors"
	"fmt"
	"strings"

	"relay/cli/term"
	"relay/store"
)

// changeView is what an operation would change of a message, as programs see it.
type changeView struct {
	ID         store.ID `json:"id"`
	Account    string   `json:"account"`
	Sender     string   `json:"sender"`
	Recipients []string `json:"recipients"`
}

// preview is an operation that changes nothing and lists what it would change.
func (g *changing) preview(o store.Operation, ids []store.ID) (is store.Effect, err error) {
	for _, id := range ids {
		m, err := g.st.QueueMessage(id)
		if errors.Is(err, store.ErrNotFound) {
			is.Missing = append(is.Missing, id)
			continue
		}
		if err != nil {
			return is, err
		}
		list := o.Affects(m)
		if len(list) == 0 {
			is.Same = append(is.Same, id)
			continue
		}
		is.Done = append(is.Done, id)
		is.Recipients += int64(len(list))
		if err := g.showAffected(m, list); err != nil {
			return is, err
		}
	}
	return is, g.flush(nil)
}

func (g *changing) showAffected(m *store.Message, list []int) error {
	v := changeView{ID: m.ID, Account: m.Account, Sender: m.Sender}
	for _, i := range list {
		v.Recipients = append(v.Recipients, m.Recipients[i].Address)
	}
	if g.json {
		return g.list.Add(v)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s, from %s\n", v.ID, v.Account, term.Clean(orElse(v.Sender, "<>")))
	for _, to := range v.Recipients {
		for _, part := range term.Chop(term.Clean(to), term.Columns-listIndent) {
			b.WriteString(strings.Repeat(" ", listIndent) + part + "\n")
		}
	}
	_, err := g.Stdout.Write([]byte(b.String()))
	return err
}

// endList ends what a dry run writes for programs.
func (g *changing) endList() error {
	if !g.json || !g.dryRun {
		return nil
	}
	return g.list.End()
}
