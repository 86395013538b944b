package room

import (
	"time"

	"relay/store/engine"
)

// DB gives out transactions, each at one instant.
type DB struct {
	engine *engine.DB
	stamp  func() (wall, books time.Time)
	closed chan struct{}
}

// NewDB gives out transactions of an engine. stamp tells the two clocks; both are in UTC.
func NewDB(e *engine.DB, stamp func() (wall, books time.Time)) *DB {
	return &DB{e, stamp, make(chan struct{})}
}

// Tx is one transaction, at one instant.
type Tx struct {
	*engine.Tx
	Now  time.Time // of the books, UTC: months, terms, days
	Wall time.Time // of the wall clock, UTC: the queue and the trace go by it
}

// Tx is an engine's transaction at this instant.
func (d *DB) Tx(e *engine.Tx) Tx {
	t := Tx{Tx: e}
	t.Wall, t.Now = d.stamp()
	return t
}

// View runs fn on one consistent state. It must be short: pages that are freed while it runs
// cannot be used again.
func (d *DB) View(fn func(Tx) error) error {
	return d.engine.View(func(e *engine.Tx) error { return fn(d.Tx(e)) })
}

// Update runs fn in a transaction and returns when it is on disk. fn may run more than once
// and must not block; weight is about how many octets it writes.
func (d *DB) Update(weight int, fn func(Tx) error) error {
	return d.engine.Update(engine.Write{Weight: weight, Do: func(e *engine.Tx) error { return fn(d.Tx(e)) }})
}

// Grow is Update for what must not take the last free space of the disk.
func (d *DB) Grow(weight int, fn func(Tx) error) error {
	return d.engine.Update(engine.Write{Weight: weight, Grows: true, Do: func(e *engine.Tx) error { return fn(d.Tx(e)) }})
}

// Carry runs an order: a dry run only reads.
func (d *DB) Carry(dryRun bool, fn func(Tx) error) error {
	if dryRun {
		return d.View(fn)
	}
	return d.Update(0, fn)
}

// BookTime is the instant that a transaction would have now by the clock of the books.
func (d *DB) BookTime() time.Time {
	_, books := d.stamp()
	return books
}

// Wall is the instant that a transaction would have now by the wall clock.
func (d *DB) Wall() time.Time {
	wall, _ := d.stamp()
	return wall
}

// Past is an instant that is past by both clocks: the earlier one of the two.
func (d *DB) Past() time.Time {
	wall, books := d.stamp()
	if books.Before(wall) {
		return books
	}
	return wall
}

// Engine is the engine below.
func (d *DB) Engine() *engine.DB { return d.engine }

// Stop ends walks and removals that are many transactions at their next step.
func (d *DB) Stop() { close(d.closed) }

// Stopping is closed by Stop.
func (d *DB) Stopping() <-chan struct{} { return d.closed }
