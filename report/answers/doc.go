// Package answers answers mail that asks relay something: test@ how it came in, errors@ for
// an account's list of errors.
//
//  1. It decides who is answered: only an address that is proven. For a customer's own
//     submission that is the account's contact; for mail from outside it is the author, where
//     DMARC passes, and for a test also a reverse-path whose SPF passes. Nobody else gets mail.
//  2. Ten answers a day go to an address, counted in memory: a restart forgets them.
//  3. The answer is written (package tell) and queued, in one transaction. It costs no account
//     anything.
//
// A crash before 3 leaves the mail unanswered; its sender has no 250 then.
package answers

import (
	"log/slog"

	"relay/report/tell"
	"relay/store"
)

// Question is a mail to test@ or errors@.
type Question struct {
	Sent    bool   // a customer handed it over
	Account string // of that customer
	Own     bool   // a signature of the account's own proves From
	Sender  string // reverse-path; "": the null one, which is never answered
	SPF     bool   // Sender's domain lets the client send
	From    string // address of the only author; "": none can be read
	Proven  bool   // DMARC passes for From
	Named   bool   // To or Cc name the address that was asked: a signed mail to others may be handed in again by anybody

	Subject   string
	MessageID string
	Test      tell.Test // what an answer to test@ says
}

// Answerer answers. Its methods may be called from any goroutine.
type Answerer struct {
	store  *store.Store
	writer func() *tell.Writer
	log    *slog.Logger

	limit    *limit
	contacts *contacts
	busy     chan struct{} // lists that are being written: each may take some megabytes
}

// Lists of errors that are written at the same time.
const lists = 2

// New makes an Answerer. writer writes as the configuration in force says.
func New(st *store.Store, writer func() *tell.Writer, log *slog.Logger) *Answerer {
	return &Answerer{store: st, writer: writer, log: log.With("component", "answers"), limit: newLimit(), contacts: newContacts(st), busy: make(chan struct{}, lists)}
}
