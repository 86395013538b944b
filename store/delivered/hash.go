package delivered

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/sent"
	"relay/store/spooled"
)

// Purposes of hashes: what is hashed for one of them never equals what is hashed for another.
const (
	hashMessageID = 'm'
	hashMessage   = 'i' // the ID of a message without a Message-ID
	hashMailbox   = 'b'
	hashReporter  = 'r'
)

// sum is a keyed hash of a text. Only its beginning leaves the store, in tokens, and nobody can make
// one without the key.
func (x *Index) sum(purpose byte, text string) [32]byte {
	buf := make([]byte, 0, 256)
	buf = append(append(append(buf, x.key[:]...), purpose), text...)
	return sha256.Sum256(buf)
}

// Hash stands for a Message-ID or, where a message has none, for the message's ID.
func (x *Index) Hash(messageID string, id spooled.ID) sent.Hash {
	if h, ok := x.HashOf(messageID); ok {
		return h
	}
	sum := x.sum(hashMessage, string(id[:]))
	return sent.Hash(sum[:])
}

// HashOf stands for a Message-ID, with its brackets or without; ok is false where the text has none.
func (x *Index) HashOf(messageID string) (h sent.Hash, ok bool) {
	if messageID = bare(messageID); messageID == "" {
		return h, false
	}
	sum := x.sum(hashMessageID, messageID)
	return sent.Hash(sum[:]), true
}

// bare is what stands between the brackets of a Message-ID. Reports leave them out, or put a
// comment beside them.
func bare(messageID string) string {
	if _, rest, ok := strings.Cut(messageID, "<"); ok {
		messageID, _, _ = strings.Cut(rest, ">")
	}
	return strings.TrimSpace(messageID)
}

// Box stands for a mailbox, as maildomain.Mailbox writes it.
func (x *Index) Box(mailbox string) sent.Box {
	sum := x.sum(hashMailbox, mailbox)
	return sent.Box(sum[:])
}

// Reporter stands for the domain that reports a complaint. It is never the Box of a mailbox.
func (x *Index) Reporter(domain string) sent.Box {
	sum := x.sum(hashReporter, strings.ToLower(domain))
	return sent.Box(sum[:])
}

var keySecret = []byte("sent") // in bucket "meta"

// loadKey reads the key, or makes it. A store that is only read and has none gets one that nobody
// can have used.
func (x *Index) loadKey(readOnly bool) error {
	err := x.db.View(func(t room.Tx) error { copy(x.key[:], t.Get(bucket.Meta, keySecret)); return nil })
	if err != nil || x.key != [32]byte{} {
		return err
	}
	_, _ = rand.Read(x.key[:])
	if readOnly {
		return nil
	}
	return x.db.Update(0, func(t room.Tx) error { return t.Put(bucket.Meta, keySecret, x.key[:]) })
}
