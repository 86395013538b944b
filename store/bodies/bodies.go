// Package bodies keeps the content of messages, in chunks. It holds none whole in memory: a long one is
// written to disk as it comes in, and each is read from there chunk by chunk.
//
//  1. New and NewOf begin a body. Above 1 MiB, or above less where all bodies together take much memory,
//     Write stages on disk what there is: chunks in bucket "bodies", each piece in a transaction of its
//     own. The first of these sets a mark in bucket "orphans".
//  2. Keep stores the rest and takes the mark away, in the transaction that accepts the message. Accepted
//     follows when that is on disk. A body that is not accepted is discarded (Discard).
//  3. Delete removes a body, in the transaction that removes its message. A long one gets a mark in
//     "orphans" instead, and is removed in the background, in small transactions, one at a time.
//
// A crash leaves a body that was accepted, or a mark. SweepOrphans, at the next start, removes bodies that
// have a mark. What an account has staged is counted until it is accepted or removed (see Sender), in
// memory only.
package bodies

import (
	"relay/store/quiet"
	"relay/store/room"
	"relay/store/spooled"
)

// Options of the room.
type Options struct {
	Shared int64 // octets of free disk, below which the account that has most in the queue is refused first
	Memory int64 // octets of all bodies in memory, above which they are staged early

	IDs     *spooled.IDs
	MaySign func(account string) bool                                 // whether bodies of the account may need a hash for DKIM
	Held    func(t *room.Tx, account string) (int64, error)           // octets that an account has in the queue
	Length  func(t *room.Tx, id spooled.ID) (octets int64, err error) // of the body of a message that is stored; -1: there is none
	Log     *quiet.Log
}

// Bodies are those of all messages. Its methods may be called from any goroutine.
type Bodies struct {
	db *room.DB
	o  Options

	staged staging // octets on disk of bodies that are not accepted yet
	memory memory  // octets in memory
	sweep  sweeper // removes bodies in the background
}

// New keeps them in a store.
func New(db *room.DB, o Options) *Bodies {
	return &Bodies{db: db, o: o, memory: memory{most: o.Memory}}
}

// InMemory is how many octets of all bodies are in memory.
func (s *Bodies) InMemory() int64 { return s.memory.used.Load() }
