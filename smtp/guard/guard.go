package guard

import (
	"errors"
	"net/netip"
	"time"

	"relay/store"
	"relay/store/people"
	"relay/store/secret"
)

// Guard counts failed logins by address and by user name. Any goroutine may use it.
//
// Too many of an address ban it, against guesses at many names from one place. More
// of them ban the network around it, except for addresses from which a login
// succeeded. Too many of a name lock it, against guesses at one name from many places.
// A locked name is refused whatever the password, or the lock would tell a right one;
// but not to addresses that it logged in from before, or anybody could lock a
// customer out. Names that nobody has are locked like others, so that a lock does
// not tell which exist.
type Guard struct {
	st       *store.Store
	addrs    watch[netip.Prefix]
	nets     watch[netip.Prefix] // around them
	names    watch[string]
	tries    watch[string] // of names as well, over a day; they lock nothing
	places   *places
	accesses *accesses
	logins   *logins
}

// Limits of failed logins; wire.NoLimit stands for none.
type Limits struct {
	PerAddress int           // different wrong logins of an address that ban it
	PerLogin   int           // of a user name that lock it
	BanTime    time.Duration // of the first ban; wrong logins count for as long
}

// New returns a guard that knows the addresses in the store.
func New(st *store.Store) (*Guard, error) {
	g := newGuard()
	g.st = st
	return g, g.places.load(st)
}

func newGuard() *Guard {
	return &Guard{
		addrs:    watch[netip.Prefix]{of: make(map[netip.Prefix]*offender)},
		nets:     watch[netip.Prefix]{of: make(map[netip.Prefix]*offender), marks: maxMarks * maxTimes},
		names:    watch[string]{of: make(map[string]*offender)},
		tries:    watch[string]{of: make(map[string]*offender)},
		places:   newPlaces(),
		accesses: newAccesses(),
		logins:   newLogins(),
	}
}

// CheckBy replaces the slow check of a password, before the first login: tests need not
// wait for argon2id.
func (g *Guard) CheckBy(slow func(people.Credential, string) bool) { g.logins.slow = slow }

// Attempt is a login that a client tries.
type Attempt struct {
	User     string
	Password string       // "": it is wrong
	From     netip.Prefix // as wire.Site has it
	Exempt   bool         // nothing counts for the address: loopback, or a proxy
	Limits   Limits
	Stop     <-chan struct{} // closed when nobody waits for the answer any more
}

// Outcome of an attempt.
type Outcome uint8

// Outcomes.
const (
	Right  Outcome = iota + 1
	Wrong          // the user name, or the password
	Busy           // too many strangers wait for a check: try again
	Banned         // the address, or its network
	Locked         // the user name
	Held           // the password is right, and the login is held
)

// Answer to an attempt.
type Answer struct {
	Outcome    Outcome
	Name       string            // the user name in the form in which it is counted and shown
	Credential people.Credential // of Right and Held
	Ban        Ban               // of Banned
	Until      time.Time         // end of Locked
	Failures   int               // different wrong logins of the address or name, whichever has more
	Address    Failure           // of the address, with Wrong and Locked
	Login      Failure           // of the user name, with Wrong
	Begun      []Ban             // bans that begin with this attempt
}

// Failure is what a wrong login led to.
type Failure struct {
	Failed int       // different ones so far
	Until  time.Time // end of the ban that is in force; zero: none
	Begins bool      // the ban began with this one
	Again  bool      // the same wrong login as before, which counts once
}

// Try decides about a login. It fails only where the store cannot be read.
func (g *Guard) Try(a *Attempt) (Answer, error) {
	begin := time.Now()
	answer := Answer{Name: nameKey(a.User)}
	cred, err := g.credential(a.User)
	if err != nil {
		return answer, err
	}
	sure := secret.IsToken(cred, a.Password) // a generated password: nobody guesses those, so a lock does not hold for it
	if g.shut(a, &answer, sure, begin) {
		return answer, nil
	}
	right := sure
	if !sure && a.Password != "" {
		checked := false
		if right, checked = g.logins.verify(cred, a.Password, g.asker(a, answer.Name)); !checked {
			answer.Outcome = Busy
			return answer, nil
		}
	}
	switch {
	case g.shut(a, &answer, sure, begin): // meanwhile: of guesses that come at once few are answered
	case !right:
		g.wrong(a, &answer)
	default:
		g.right(a, &answer, cred)
	}
	return answer, nil
}

// credential is the login's; of a login that nobody has it has only the name.
func (g *Guard) credential(user string) (people.Credential, error) {
	cred, err := g.st.People.Credential(user)
	if errors.Is(err, store.ErrNotFound) {
		return people.Credential{Login: people.FoldLogin(user)}, nil
	}
	return cred, err
}

// asker is the client as the queue for a slow check sees it.
func (g *Guard) asker(a *Attempt, name string) asker {
	if a.Exempt {
		return asker{known: true, stop: a.Stop}
	}
	return asker{a.From, g.places.known(name, a.From), a.Stop}
}

// shut refuses a login whose name is locked, or whose address was banned since the
// connection began: whatever the password, or the answer would tell a right one. For the
// address, guessing at a locked name counts as a wrong login.
func (g *Guard) shut(a *Attempt, answer *Answer, sure bool, begin time.Time) bool {
	if a.Exempt {
		return false
	}
	if b := g.Banned(a.From); b.Network.IsValid() {
		answer.Outcome, answer.Ban = Banned, b
		return true
	}
	until := g.locked(answer.Name, a.From)
	if until.IsZero() || sure {
		return false
	}
	answer.Outcome, answer.Until = Locked, until
	answer.Address, answer.Begun = g.failedFrom(&a.Limits, a.From, g.logins.mark(answer.Name, a.Password), begin)
	answer.Failures = answer.Address.Failed
	return true
}

// wrong counts a wrong login.
func (g *Guard) wrong(a *Attempt, answer *Answer) {
	answer.Outcome = Wrong
	if a.Exempt {
		return
	}
	answer.Address, answer.Begun, answer.Login = g.failed(&a.Limits, answer.Name, a.From, g.logins.mark(answer.Name, a.Password))
	answer.Failures = max(answer.Address.Failed, answer.Login.Failed)
}

// right lets a login in, unless it is held. A use of a held login does not count as a
// failure, or the owner's own devices would have their address banned.
func (g *Guard) right(a *Attempt, answer *Answer, cred people.Credential) {
	answer.Outcome, answer.Credential = Right, cred
	if cred.Hold != nil {
		answer.Outcome = Held
		answer.Failures = max(g.names.count(answer.Name), g.addrs.count(a.From))
		return
	}
	if !a.Exempt {
		g.places.succeeded(cred.Login, a.From)
	}
}

// WrongToken counts a token that nobody has as a failed login of the address: guesses at
// passwords and at tokens are kept out of both. begun are the bans that begin with it.
func (g *Guard) WrongToken(l *Limits, from netip.Prefix, token string) (f Failure, begun []Ban) {
	return g.failedFrom(l, from, g.logins.mark("token", token), time.Now())
}

// Waiting is how many strangers wait until their password is checked.
func (g *Guard) Waiting() int { return g.logins.turns.strangers() }

// saveEvery is the time between two writes of places and uses.
const saveEvery = time.Minute

// Run writes new places and uses until stop is closed, and once more then. It calls saved
// with the result of each write.
func (g *Guard) Run(stop <-chan struct{}, saved func(error)) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for more := true; more; {
		select {
		case <-tick.C:
		case <-stop:
			more = false
		}
		saved(errors.Join(g.places.save(g.st), g.accesses.save(g.st)))
	}
}
