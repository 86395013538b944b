// Package sent has the form of the index of what was sent, and decides what is merged: it finds the
// e-mails that had a Message-ID, so that what comes back about them finds its account. It is pure:
// an ordered store of bytes is handed in, and the caller, package delivered, has the transactions.
//
//  1. An Entry is 40 octets: hashes, numbers and no text. It begins with its key, by which it
//     is found: the Message-ID alone, or with the mailbox, or with the ID too. New entries are
//     appended to the open part, in the order in which they come, and kept in a Part in memory
//     as well.
//  2. A Part that is full is sorted and becomes a run: entries in order, in chunks, with a Run
//     that describes it.
//  3. Plan says which runs are merged next: eight of a tier become one of the next tier. When
//     a day is over, its runs become one, and when eight days are over, theirs become one.
//     Take reads the next entries of a merge. It is made in small steps, and the lowest tier
//     goes first, so that a long merge holds up no short one.
//  4. A run whose last day is too old is removed.
//
// So there are some dozens of runs at any rate, an entry is written once a tier, and a look-up
// costs a seek a run.
//
// Each step is to be one transaction. A merge says in its Run how far it has come, and its
// runs count until it is whole, so a kill between two steps loses and doubles nothing.
package sent
