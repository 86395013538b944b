// Package beside runs work beside a goroutine that owns state, and brings back to that goroutine what
// the work found.
//
// The owner starts what takes time with Do. That never touches the owner's state: it hands a
// function to Tell, which the owner runs when its turn comes. The owner takes all that was told,
// to the end: as long as something runs, Running is true and another function may come.
package beside

// mostTold functions wait for the owner; then Tell waits.
const mostTold = 1024

// Work is what runs beside one goroutine, its owner.
type Work struct {
	told    chan func() // to be done by the owner
	running int         // goroutines started and not ended
}

// New returns a Work that runs nothing yet.
func New() *Work { return &Work{told: make(chan func(), mostTold)} }

// Do runs fn beside the owner, who calls it.
func (w *Work) Do(fn func()) {
	w.running++
	go func() {
		defer w.Tell(func() { w.running-- })
		fn()
	}()
}

// Tell lets the owner run fn. What Do has started may call it.
func (w *Work) Tell(fn func()) { w.told <- fn }

// Told has the functions that the owner is to run.
func (w *Work) Told() <-chan func() { return w.told }

// Running reports whether something runs, or has ended and the owner does not know it yet.
func (w *Work) Running() bool { return w.running > 0 }

// More runs up to most functions that wait.
func (w *Work) More(most int) {
	for range most {
		select {
		case fn := <-w.told:
			fn()
		default:
			return
		}
	}
}

// End runs what is told until nothing runs any more, and each after every one of them.
func (w *Work) End(each func()) {
	for w.Running() {
		fn := <-w.told
		fn()
		each()
	}
}
