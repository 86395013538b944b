// Package engine is the seam between the store and what keeps its octets: ordered byte
// keys in buckets, read and written in transactions, of which one at a time writes.
//
// A Driver keeps the octets. store/bolt is the one that relay runs on, a bbolt file;
// store/engine/memory is for tests. DB stands between a driver and the store and does what
// every driver needs: it takes requests from any goroutine, runs many of them in one
// transaction, collects what the store's rooms write once a transaction, and tells a full
// disk from one that can no longer be trusted. Nothing above this package knows a driver,
// but for the place that opens it. store/engine/enginetest proves a driver.
//
// # Group commit
//
// One goroutine writes. It takes the requests that wait at the moment, runs
// them in one transaction, commits once, and answers all of them; while the
// driver syncs, the next ones gather. A lone request waits for nobody.
//
//   - A request that fails before its first write is answered with its error and
//     costs the others nothing.
//   - One that fails (or panics) after its first write has spoilt the
//     transaction: it is answered, the transaction is rolled back, and the others
//     run again. Functions may therefore run more than once.
//   - A commit that finds the disk full fails all requests with ErrFull and leaves
//     what was stored as it was.
//   - Any other failure of a commit is fatal. After a failed sync nobody knows
//     what is on disk, and readers may already see it: the DB accepts nothing more,
//     Failed is closed, and the process must stop and start again from what the
//     disk holds.
package engine
