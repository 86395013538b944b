package store

import (
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// entries of a ledger, oldest first.
func (t *tx) entries(account string) ([]ledger.Entry, error) {
	list, err := room.All[ledger.Entry](&t.Tx, bucket.Ledger, ledgerPrefix(account))
	for i := range list {
		list[i].Recall()
	}
	return list, err
}
