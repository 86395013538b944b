package engine

// Tx is a transaction. Slices that come out of it die with it, and are not to be changed.
type Tx struct {
	db       *DB
	txn      Txn
	dirty    bool
	fault    error // see Fail
	kept     []collected
	onCommit []func()
}

// collected is what one Key stands for in a transaction.
type collected struct{ key, value any }

// Key names what a room of the store collects over the requests of one transaction, to
// write it once, in the flush that it gave to Options. Whatever is collected must be told
// to the engine with Touch.
type Key[T any] struct{ _ byte }

// In is what is collected in tx so far; at first a zero T.
func (k *Key[T]) In(tx *Tx) *T {
	if v := k.Of(tx); v != nil {
		return v
	}
	v := new(T)
	tx.kept = append(tx.kept, collected{k, v})
	return v
}

// Of is In that makes nothing: nil if nothing was collected.
func (k *Key[T]) Of(tx *Tx) *T {
	for i := range tx.kept {
		if tx.kept[i].key == any(k) {
			return tx.kept[i].value.(*T)
		}
	}
	return nil
}

// Get returns the value of key, nil when there is none.
func (tx *Tx) Get(b Bucket, key []byte) []byte { return tx.txn.Get(b, key) }

// Put stores value, which must not change until the transaction has ended.
func (tx *Tx) Put(b Bucket, key, value []byte) error {
	tx.dirty = true
	return tx.txn.Put(b, key, value)
}

// Delete removes key; it is no error if there is none.
func (tx *Tx) Delete(b Bucket, key []byte) error {
	tx.dirty = true
	return tx.txn.Delete(b, key)
}

// Cursor walks a bucket in the order of its keys.
func (tx *Tx) Cursor(b Bucket) Cursor { return tx.txn.Cursor(b) }

// ID of the transaction, which grows; of a reading one, that of the last commit it sees.
func (tx *Tx) ID() int64 { return tx.txn.ID() }

// Room is how many octets a request that grows had room for when the transaction began. It
// is for the function of such a request only.
func (tx *Tx) Room() int64 { return tx.db.left }

// OnCommit has fn run when the transaction is on disk, before the next one begins.
// It is not run when the transaction is rolled back, and must not block.
func (tx *Tx) OnCommit(fn func()) { tx.onCommit = append(tx.onCommit, fn) }

// Touch tells the engine that something was collected that is to be written.
func (tx *Tx) Touch() { tx.dirty = true }

// Fail has the request that runs end with err, even if its function returns nil. It is for what
// is found where a function returns a value only, such as a counter that cannot be read: the
// caller goes on with a zero that is never stored. The first of several counts.
func (tx *Tx) Fail(err error) {
	if tx.fault == nil {
		tx.fault = err
	}
}

// Fault takes back what Fail has said since the request began; nil: nothing.
func (tx *Tx) Fault() error {
	err := tx.fault
	tx.fault = nil
	return err
}

// Trim gives memory back that was read into, in the middle of a long walk.
func (tx *Tx) Trim() { tx.txn.Trim() }
