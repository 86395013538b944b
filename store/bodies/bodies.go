// Package bodies keeps the content of messages, in chunks, and never holds one whole: it is
// written to the disk as it comes in, and read from there chunk by chunk.
//
//  1. New and NewOf begin a body. Above 1 MiB, or less where all bodies together take much memory,
//     Write stages what there is in bucket "bodies", each piece in a transaction of its own; the
//     first sets a mark in bucket "orphans".
//  2. Keep stores the rest and takes the mark away, in the transaction that accepts the message.
//     Accepted follows when that is on disk. A body that is not accepted is discarded.
//  3. Delete removes a body in the transaction that removes its message. A long one gets a mark in
//     "orphans" again, and the sweeper removes it in small transactions, one at a time.
//
// A crash leaves a body that was accepted, or a mark: SweepOrphans, at the start, removes what has
// one. What is staged counts for its account until it is accepted or removed (see Sender), in
// memory only.
package bodies

import (
	"relay/store/quiet"
	"relay/store/room"
	"relay/store/spooled"
)

// Options of the room.
type Options struct {
	Shared int64 // octets of free disk below which the account that has most in the queue is refused first
	Memory int64 // octets of bodies in memory, beyond which they are staged early

	IDs     *spooled.IDs
	MaySign func(account string) bool                                 // whether a body may need a hash for DKIM
	Held    func(t *room.Tx, account string) (int64, error)           // octets that an account has in the queue
	Length  func(t *room.Tx, id spooled.ID) (octets int64, err error) // of the body of a message that is stored; -1: there is none
	Log     *quiet.Log
}

// Bodies are those of all messages. Its methods may be called from any goroutine.
type Bodies struct {
	db *room.DB
	o  Options

	staged staging // what they have on disk before they are accepted
	memory memory  // what they have in memory
	sweep  sweeper // of what was given up
}

// New keeps them in a store.
func New(db *room.DB, o Options) *Bodies {
	return &Bodies{db: db, o: o, memory: memory{most: o.Memory}}
}

// InMemory are the octets of all bodies that are in memory.
func (s *Bodies) InMemory() int64 { return s.memory.used.Load() }
