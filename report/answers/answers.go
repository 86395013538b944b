package answers

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"relay/report/letter"
	"relay/report/tell"
	"relay/store"
	"relay/store/books"
	"relay/store/maildomain"
	"relay/store/news"
	"relay/store/spool"
)

// Full reports whether this address gets no further answer today, so that no work is done for
// it.
func (a *Answerer) Full(address string) bool { return a.limit.full(key(address), a.store.Now()) }

// Test answers a mail to test@.
func (a *Answerer) Test(q *Question) error {
	told, err := a.told(news.Test, q.Account)
	if err != nil {
		return err
	}
	to, why := q.testTo(&told.Account)
	if to == "" {
		a.unanswered(news.Test, q, why)
		return nil
	}
	return a.send(q, to, told, &tell.Answer{InReplyTo: q.MessageID, Test: q.Test})
}

// testTo is who gets the answer to a test, or why nobody does.
func (q *Question) testTo(a *books.Account) (to, why string) {
	switch {
	case q.Sender == "":
		return "", "the null sender is not answered"
	case q.Sent && sendable(a.Contact):
		return a.Contact, ""
	case !q.Named:
		return "", "neither To nor Cc name the address"
	case q.Sent && !(q.Own && sendable(q.From)):
		return "", "the account has no contact, and no signature of its own proves the author"
	case q.Sent, q.Proven && sendable(q.From):
		return q.From, ""
	case q.SPF && sendable(q.Sender):
		return q.Sender, ""
	}
	return "", "nothing proves the sender"
}

// sendable reports an address that mail can go to.
func sendable(address string) bool {
	_, _, ok := letter.Recipient(address)
	return ok
}

// Errors answers a mail to errors@: with the list of each account whose contact asks, or of
// the one that the subject names. A customer who is logged in asks for the account of the login.
func (a *Answerer) Errors(ctx context.Context, q *Question) error {
	names, why, err := a.asked(ctx, q)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		a.unanswered(news.Errors, q, why)
		return nil
	}
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, name := range names {
		if err := a.list(q, name); err != nil {
			return err
		}
	}
	return nil
}

// mostLists that one mail is answered with.
const mostLists = 10

// asked are the accounts whose lists a mail asks for, or why there are none.
func (a *Answerer) asked(ctx context.Context, q *Question) (names []string, why string, err error) {
	switch {
	case q.Sender == "":
		return nil, "the null sender is not answered", nil
	case q.Sent:
		return []string{q.Account}, "", nil
	case !q.Named:
		return nil, "neither To nor Cc name the address", nil
	case !q.Proven:
		return nil, "nothing proves the author", nil
	}
	if names, err = a.contacts.of(ctx, q.From); err != nil || len(names) == 0 {
		return nil, "the author is no account's contact", err
	}
	subject := strings.TrimSpace(q.Subject)
	for _, name := range names {
		if strings.EqualFold(name, subject) {
			return []string{name}, "", nil
		}
	}
	return names[:min(len(names), mostLists)], "", nil
}

// list sends an account's list of errors to its contact.
func (a *Answerer) list(q *Question, name string) error {
	r, err := a.store.Overview.Report(name, "")
	if errors.Is(err, store.ErrNotFound) { // it was removed meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	if !q.Sent && key(r.Account.Contact) != key(q.From) || !sendable(r.Account.Contact) {
		a.unanswered(news.Errors, q, "the account's contact is another by now, or none")
		return nil
	}
	told := &store.Told{News: a.news(news.Errors, name), Account: r.Account, Reseller: r.Reseller, Standing: r.Standing}
	return a.send(q, r.Account.Contact, told, &tell.Answer{InReplyTo: q.MessageID, Errors: r.Errors, Count: r.ErrorCount})
}

func (a *Answerer) news(kind news.Kind, account string) news.Item {
	return news.Item{Kind: kind, Account: account, Since: a.store.Now()}
}

// told is what is known of the account; without one, nothing.
func (a *Answerer) told(kind news.Kind, account string) (*store.Told, error) {
	t := &store.Told{News: a.news(kind, account)}
	if account == "" {
		return t, nil
	}
	st, err := a.store.Standings.Standing(account)
	if errors.Is(err, store.ErrNotFound) {
		t.News.Account = ""
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	t.Account, t.Standing = st.Account, st
	if st.Account.Reseller != "" {
		r, err := a.store.People.Reseller(st.Account.Reseller)
		if err == nil {
			t.Reseller = &r
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	return t, nil
}

// send queues an answer, unless its address has got enough today.
func (a *Answerer) send(q *Question, to string, t *store.Told, answer *tell.Answer) error {
	if !a.limit.take(key(to), a.store.Now()) {
		a.unanswered(t.News.Kind, q, "the address got enough answers today")
		return nil
	}
	w := a.writer()
	w.Answer = answer
	n, err := w.WriteTo(to, t, a.store.NewID())
	if err != nil {
		return err
	}
	ids, err := a.store.Send(&t.News, []spool.Notice{n})
	if err != nil {
		return err
	}
	a.log.Info("mail answered", "kind", string(t.News.Kind), "account", t.News.Account, "to", to, "spool_id", ids[0].String())
	return nil
}

func (a *Answerer) unanswered(kind news.Kind, q *Question, why string) {
	a.log.LogAttrs(context.Background(), slog.LevelInfo, "mail not answered", slog.String("kind", string(kind)), slog.String("from", q.Sender),
		slog.String("author", q.From), slog.String("account", q.Account), slog.String("reason", why))
}

// key is how addresses are compared and counted.
func key(address string) string {
	if mailbox, ok := maildomain.Mailbox(address); ok {
		return mailbox
	}
	return strings.ToLower(address)
}
