package guard

import (
	"net/netip"
	"sync"
	"time"

	"relay/store"
	"relay/store/access"
)

const (
	accessKept = 50_000 // logins at an address that are remembered
)

// accesses counts the uses of logins by address until they are stored (package access). The
// store knows each login and address in it: further uses are counted here and written every
// saveEvery. For all others the store is asked, which is a look-up, and a commit where the
// network is new to the login.
type accesses struct {
	mu sync.Mutex
	of map[usedAt]*usage
}

type usedAt struct {
	login string
	from  netip.Prefix
}

type usage struct {
	dirty   bool  // something is not written yet
	count   int64 // uses that are not written yet
	last    time.Time
	program string
	watched time.Time // end of the time in which its mail is watched; zero: it is not
}

func newAccesses() *accesses { return &accesses{of: make(map[usedAt]*usage)} }

// used counts a use and reports whether its mail is watched. Where the store has to be asked,
// known is false and nothing is counted.
func (a *accesses) used(at usedAt, now time.Time) (watched, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.of[at]
	if u == nil {
		return false, false
	}
	u.dirty, u.count, u.last = true, u.count+1, now
	return now.Before(u.watched), true
}

// add remembers that the store knows a login at an address; is.count of its uses are not
// stored yet.
func (a *accesses) add(at usedAt, is usage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if u := a.of[at]; u != nil {
		u.dirty, u.count, u.watched = true, u.count+is.count, is.watched
		return
	}
	for other, u := range a.of {
		if len(a.of) < accessKept {
			break
		}
		if !u.dirty {
			delete(a.of, other)
		}
	}
	if len(a.of) < accessKept {
		a.of[at] = &is
	}
}

// says notes what a program says of itself in a message.
func (a *accesses) says(at usedAt, program string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if u := a.of[at]; u != nil && u.program != program {
		u.dirty, u.program = true, program
	}
}

// unwritten returns the uses to write, which count as written from now on.
func (a *accesses) unwritten() (list []access.Use) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for at, u := range a.of {
		if !u.dirty {
			continue
		}
		list = append(list, access.Use{Login: at.login, From: at.from, Count: u.count, Last: u.last, Program: u.program})
		u.dirty, u.count = false, 0
	}
	return list
}

// save writes the uses. Those that could not be written are tried again with the next ones.
func (a *accesses) save(st *store.Store) error {
	left, err := st.Access.Keep(a.unwritten())
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, u := range left {
		at := usedAt{u.Login, u.From}
		if is := a.of[at]; is != nil {
			is.dirty, is.count = true, is.count+u.Count
		}
	}
	return err
}

// Use is a login that is used.
type Use struct {
	Login   string
	Name    string       // as in Answer: the form in which wrong passwords were counted
	From    netip.Prefix // as wire.Site has it
	Exempt  bool         // loopback or a proxy, which says nothing of the client: its uses are counted, and are no news
	Program string       // what the client says it is; "": nothing
}

// Enter notes the use of a login. watched: what it sends from there is watched. begins: the
// guard learned so from the store with this use. Enter fails where a use from a new network
// could not be stored: the login is good nevertheless, and its next use is tried again.
func (g *Guard) Enter(u *Use) (watched, begins bool, err error) {
	at, now := usedAt{u.Login, u.From}, g.st.Now()
	if watched, known := g.accesses.used(at, now); known {
		return watched, false, nil
	}
	is := usage{dirty: true, count: 1, last: now, program: u.Program}
	if !u.Exempt {
		fresh, watched, err := g.st.Access.Enter(access.Use{Login: u.Login, From: u.From, Count: 1, Last: now, Program: u.Program, Failed: g.tried(u.Name)})
		if err != nil {
			return false, false, err
		}
		if begins = watched; watched {
			is.watched = now.Add(access.WatchFor)
		}
		if fresh {
			is.dirty, is.count = false, 0
		}
	}
	g.accesses.add(at, is)
	return begins, begins, nil
}

// tried is how many different wrong passwords a user name had within a day, from addresses
// that it was never used from.
func (g *Guard) tried(name string) int {
	return g.tries.since(name, time.Now().Add(-access.WatchFor))
}

// Says notes what a program says of itself in a message that a login sent.
func (g *Guard) Says(login string, from netip.Prefix, program string) {
	g.accesses.says(usedAt{login, from}, program)
}
