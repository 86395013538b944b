package mail

import (
	"fmt"
	"strings"

	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/words"
)

// BusyLines say that all connections are in use, or that an account has used up its
// share of them, and whose mail they carry; none: neither is so.
func BusyLines(c *act.Connections) []string {
	var text string
	switch {
	case c == nil:
		return nil
	case c.InUse >= c.Limit:
		text = fmt.Sprintf("%s: %s", allInUse(c.Limit), holders(c.Accounts))
	case len(c.Waiting) > 0:
		text = fmt.Sprintf("%s of %s to next hops are in use: %s", words.Number(int64(c.InUse)), words.Plural(int64(c.Limit), "connection"), holders(c.Accounts))
	default:
		return nil
	}
	if n := len(c.Waiting); n > 0 {
		text += "; " + waiters(c.Waiting, c.InUse < c.Limit)
	}
	return term.Fold(words.Clean(text), term.Columns-len(totalMark))
}

// totalMark begins the lines below a list.
const totalMark = "-- "

func allInUse(limit int) string {
	if limit == 1 {
		return "the only connection to next hops is in use"
	}
	return fmt.Sprintf("all %s to next hops are in use", words.Plural(int64(limit), "connection"))
}

// shownNames is how many accounts a line names.
const shownNames = 3

// holders names the accounts that have most, and sums up the others.
func holders(list []act.Holder) string {
	var parts []string
	rest := 0
	for i, h := range list {
		if i < shownNames {
			parts = append(parts, fmt.Sprintf("%s has %s", named(h.Account), words.Number(int64(h.Connections))))
		} else {
			rest += h.Connections
		}
	}
	if n := len(list) - shownNames; n > 0 {
		parts = append(parts, fmt.Sprintf("%s %s", words.Plural(int64(n), "other account"), words.Number(int64(rest))))
	}
	if len(parts) == 0 {
		return "none carries mail at this moment"
	}
	return strings.Join(parts, ", ")
}

func named(account string) string {
	if account == "" {
		return "relay's own mail"
	}
	return account
}

// waiters names the accounts that wait: for any connection, or beyond their share.
func waiters(list []string, share bool) string {
	var names []string
	for _, account := range list[:min(len(list), shownNames)] {
		names = append(names, named(account))
	}
	if n := len(list) - shownNames; n > 0 {
		names = append(names, words.Plural(int64(n), "other account"))
	}
	text := "mail waits of " + strings.Join(names, ", ")
	if share {
		text += ", beyond the share of an account"
	}
	return text
}
