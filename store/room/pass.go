package room

import "relay/store/engine"

// Pass returns when all transactions that had begun are on disk, and what they left to do at
// their commit is done.
func (db *DB) Pass() error {
	return db.Engine().Update(engine.Write{Do: func(*engine.Tx) error { return nil }})
}
