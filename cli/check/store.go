package check

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"relay/cli/backup"
	"relay/cli/clock"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/proof"
	"relay/cli/term"
	"relay/cli/wholefile"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/jobs/calendar"
	"relay/report/words"
	"relay/store"
)

// storeFile judges the store by the running relay's figures, or opens it. It returns false
// for a store that cannot be opened now, and so cannot be proved either; prove: it was to be.
func (h *home) storeFile(prove bool) bool {
	switch now := h.relay.health; {
	case now != nil:
		h.relay.clock = now.Clock
		h.size(now)
		h.backup(now.Backup)
		return true
	case h.relay.silent: // it has the store
		return false
	case h.dir.IsNew():
		h.add("store file", finding.OK, "", "there is none yet; relay serve makes one")
		return true
	}
	st, err := h.open(prove)
	if err != nil {
		return false
	}
	h.read(st)
	return true
}

// open opens the store of a relay that does not run. It writes nothing, so a store of an
// older relay stays as it is, and is not proved.
func (h *home) open(prove bool) (*store.Store, error) {
	st, err := proof.OpenStore(h.dir.Store(), clock.Guard(&h.cfg, h.Wall, h.Kept,
		store.Options{Zone: h.cfg.Zone(), Log: proof.OnlyErrors(h.Stderr), ReadOnly: true, Billing: h.cfg.Billing.Store()}))
	switch {
	case errors.Is(err, store.ErrOlder) && prove:
		h.add("store file", finding.Warning, exit.Hint(err), "is of an older relay, so it is not proved")
	case errors.Is(err, store.ErrOlder):
		h.add("store file", finding.OK, exit.Hint(err), "is of an older relay")
	case err != nil:
		h.add("store file", finding.Failed, cmp.Or(exit.Hint(err), "relay restore FILE brings back a backup"), "does not open: %v", err)
	}
	return st, err
}

// read takes the figures of a running relay's health from the store, and closes it.
func (h *home) read(st *store.Store) {
	var now act.Health
	var wrong error // relay would not start
	err := proof.Guard(h.dir.Store(), func() error {
		wrong = st.Books.CheckCurrency(h.cfg.Billing.Currency)
		return errors.Join(now.Measure(st), st.Close())
	})
	h.relay.clock = now.Clock
	if err != nil {
		h.add("store file", finding.Failed, "relay check --store tells more", "cannot be read: %v", err)
		return
	}
	h.size(&now)
	if wrong != nil {
		h.add("currency", finding.Failed, exit.Hint(wrong), "%v", wrong)
	}
	h.backup(now.Backup)
}

// size says what the store's file holds, and when a compaction pays. The limit is that of
// relay compact itself.
func (h *home) size(now *act.Health) {
	s, advice := finding.OK, ""
	if host.CompactionPays(now.File, now.Free) {
		s, advice = finding.Warning, "relay compact gives about "+words.Size(now.Free)+" back to the disk; without it the space is used again by new mail"
	}
	h.add("store file", s, advice, "%s, %s%s of it free; %s (%s) queued",
		words.Size(now.File), words.Size(now.Free), words.Percent(now.Free, now.File), words.Plural(now.Messages, "message"), words.Size(now.Octets))
}

// late is how long a scheduled backup may be overdue: a backup takes time, and a machine
// may have been off for a moment.
const late = 2 * time.Hour

// backup judges the backups by the instant of the last copy. After one from
// the future none would ever be overdue, so the clock comes first.
func (h *home) backup(last time.Time) {
	zone := h.cfg.Zone()
	now, when := time.Now().In(zone), words.Stamp(last, zone)
	schedule, err := calendar.Parse(h.cfg.Backup.Schedule)
	switch {
	case last.After(now.Add(time.Minute)):
		h.add("backup", finding.Warning, "set the clock right, then: relay backup", "the last was %s, which is yet to come", when)
	case h.cfg.Backup.Schedule == "" && last.IsZero():
		h.add("backup", finding.OK, `set schedule in [backup], or run relay backup FILE from cron`, "none is scheduled")
	case h.cfg.Backup.Schedule == "":
		h.add("backup", finding.OK, "", "none is scheduled; the last was %s", when)
	case err != nil: // the configuration's check has refused it
	case last.IsZero():
		h.add("backup", finding.Warning, "let the relay run at that time, and look into its log", "none was made yet; the next is due %s", words.Stamp(schedule.Next(now), zone))
	default:
		due := schedule.Next(last.In(zone))
		if now.After(due.Add(late)) {
			h.add("backup", finding.Warning, "let the relay run at that time, and look into its log", "overdue since %s; the last was %s", words.Stamp(due, zone), when)
			return
		}
		h.add("backup", finding.OK, "", "the last was %s, the next is due %s", when, words.Stamp(due, zone))
	}
}

// proveStore proves the store. While a relay has it, a copy is proved instead, so that the
// relay keeps running.
func (h *home) proveStore() {
	if h.relay.health == nil && h.dir.IsNew() {
		h.add("store", finding.OK, "", "there is none yet")
		return
	}
	path := h.dir.Store()
	if h.relay.health != nil {
		copied, err := h.liveCopy()
		if err != nil {
			h.add("store", finding.Warning, "while a relay runs, a copy beside the store is proved: make room for it, or stop the relay first", "not proved: %v", err)
			return
		}
		defer copied.Discard()
		path = copied.Name()
	}
	found, err := proof.Of(h.ctx, path)
	if err != nil {
		h.add("store", finding.Failed, exit.Hint(err), "%v", err)
		return
	}
	h.proved(&found)
}

// liveCopy asks the running relay for a copy of its store, and writes it beside the store.
// It fails before the first octet if there is not enough room.
func (h *home) liveCopy() (*wholefile.File, error) {
	out, err := wholefile.Begin(string(h.dir), "relay.db.check")
	if err != nil {
		return nil, err
	}
	out.Rest = wholefile.NewPace()
	room := func(size int64) error { return wholefile.Room(string(h.dir), size) }
	if _, err := backup.Take(h.ctx, backup.FromRelay(h.Running), out, term.NewProgress(h.Stderr, "copying", 0), room); err != nil {
		out.Discard()
		return nil, err
	}
	return out, nil
}

// proved shows the first problems of the proof one by one, and then their number.
func (h *home) proved(found *proof.Result) {
	s := &found.Stats
	if s.Problems == 0 {
		h.add("store", finding.OK, "", "proved: %s, %s, %s, %s of mail", words.Plural(s.Accounts, "account"),
			words.Plural(s.Messages, "message"), entries(s.Queued), words.Size(s.Bodies))
		return
	}
	for _, text := range found.Problems {
		h.add("store", finding.Failed, "", "%s", text)
	}
	h.add("store", finding.Failed, "stop the relay, keep a copy of the file, and bring back a backup: relay restore FILE",
		"%s", words.Plural(s.Problems, "problem"))
}

func entries(n int64) string {
	if n == 1 {
		return "1 queue entry"
	}
	return fmt.Sprintf("%d queue entries", n)
}
