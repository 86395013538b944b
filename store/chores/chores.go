// Package chores keeps what is left to be done for accounts after a transaction, in transactions
// of its own.
//
//  1. Add stores a chore, in the transaction that it follows from.
//  2. Do hands each chore that is due to the function for its kind. That does it, or a part of
//     it, in a transaction that reads it again (Again), and takes it away (Remove) in the
//     transaction of the last part.
//
// A kill before the last part leaves the chore for the next start. So each is done once.
//
// Bucket "chores". It has a few for each account with something left to do.
package chores

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// Kind says what is to be done.
type Kind string

// The kinds of chores.
const (
	Replan  Kind = "replan"  // plan first sendings anew
	Unpark  Kind = "unpark"  // take the lanes of an account back that was suspended
	Release Kind = "release" // release the mail of a login, Provider, that is no longer held
)

// Chore is something left to be done for an account. Bucket "chores", key kind NUL account NUL
// provider, JSON.
type Chore struct {
	Kind     Kind      `json:"kind"`
	Account  string    `json:"account"`
	Provider string    `json:"provider,omitempty"`
	Due      time.Time `json:"due"`
	From     []byte    `json:"from,omitempty"` // the last key that a part has looked at; nil: none
}

func (c *Chore) key() []byte {
	return append(append(room.Pair(string(c.Kind), c.Account), 0), c.Provider...)
}

// Doer does a chore, or a part of it, in a transaction of its own, and reports whether there is
// more to do at once.
type Doer func(Chore) (more bool, err error)

// Chores keeps the chores of accounts. Its methods may be called from any goroutine.
type Chores struct {
	db *room.DB
	do map[Kind]Doer
}

// New keeps chores in a store. do has the function that does each kind.
func New(db *room.DB, do map[Kind]Doer) *Chores { return &Chores{db, do} }

// Add stores a chore, in place of one of its kind for the same account and provider.
func Add(t *room.Tx, c Chore) error { return t.Write(bucket.Chores, c.key(), c) }

// Remove takes a chore away: it is done, or no longer needed.
func Remove(t *room.Tx, c Chore) error { return t.Delete(bucket.Chores, c.key()) }

// Again reads a chore that was handed out: meanwhile it may have been stored anew, to be done
// from its beginning, or taken away.
func Again(t *room.Tx, c Chore) (is Chore, there bool, err error) {
	there, err = t.Read(bucket.Chores, c.key(), &is)
	return is, there, err
}

// longest is how far ahead a chore may be due. One that is due later was stored by a clock that
// was wrong, and is done at once.
const longest = 5 * time.Minute

// Do does the chores that are due. more: there may be others, or parts of these.
func (q *Chores) Do() (more bool, err error) {
	var list []Chore
	err = q.db.View(func(t room.Tx) error {
		list, err = room.All[Chore](&t, bucket.Chores, nil)
		list = slices.DeleteFunc(list, func(c Chore) bool { return t.Wall.Before(c.Due) && c.Due.Sub(t.Wall) <= longest })
		return err
	})
	for _, c := range list {
		again, e := q.doOne(c)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s of account %q: %w", c.Kind, c.Account, e))
		}
		more = more || again
	}
	return more, err
}

// doOne does a chore. One of a kind that this release does not know is taken away.
func (q *Chores) doOne(c Chore) (more bool, err error) {
	if do := q.do[c.Kind]; do != nil {
		return do(c)
	}
	return false, q.db.Update(0, func(t room.Tx) error { return Remove(&t, c) })
}
