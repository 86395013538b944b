package check

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/report/jobs"
	"relay/report/words"
)

// hardware is the look at what relay needs of the machine.
type hardware struct {
	*look
	relay *process
}

func (h *hardware) all() {
	h.disk()
	h.diskSpeed()
	h.descriptors()
	h.clock()
}

// Free octets below which a disk is nearly full, and full.
const (
	littleRoom = 2_000_000_000
	noRoom     = 200_000_000
)

// disk looks at the file system of the data directory, or of the nearest directory above
// that exists.
func (h *hardware) disk() {
	dir := string(h.dir)
	for dir != "/" {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		h.add("disk", finding.Failed, "", "%s: %v", dir, err)
		return
	}
	free, all := int64(fs.Bavail)*int64(fs.Bsize), int64(fs.Blocks)*int64(fs.Bsize)
	s, advice := finding.OK, ""
	if free < littleRoom {
		s, advice = finding.Warning, "make space: a relay without it refuses mail with 452"
	}
	if free < noRoom {
		s = finding.Failed
	}
	h.add("disk", s, advice, "%s free of %s at %s", words.Size(free), words.Size(all), dir)
}

// The disk's speed is measured by small writes with a sync each, because the store
// writes a lone message so.
const (
	speedWrites = 20
	speedTime   = time.Second
	slowSync    = 20 * time.Millisecond
)

// diskSpeed measures how long a message waits for its sync. A lone connection gets no
// more messages a second than the disk makes syncs.
func (h *hardware) diskSpeed() {
	if _, err := os.Stat(string(h.dir)); err != nil {
		return // there is nothing to measure yet
	}
	median, err := syncTime(string(h.dir))
	switch {
	case err != nil:
		h.add("disk speed", finding.Warning, cmp.Or(exit.Hint(err), "see the other lines about disk and data directory"), "cannot tell: %v", err)
	case median > slowSync:
		h.add("disk speed", finding.Warning, "use a faster disk, or one that nobody else keeps busy: a program that sends one message after the other waits so long for each",
			"%s to make a small write last, %d messages a second from one connection", milliseconds(median), int(time.Second/median))
	default:
		h.add("disk speed", finding.OK, "", "%s to make a small write last", milliseconds(median))
	}
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
}

// syncTime returns the median time of a small write with its sync: one slow write among
// them says little about the disk.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, ".speed-*")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil { // now, so that a killed check leaves no file
		return 0, err
	}
	var times []time.Duration
	page := bytes.Repeat([]byte{'x'}, 4096)
	for begin := time.Now(); len(times) < speedWrites && time.Since(begin) < speedTime; {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := kernel.SyncData(f); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// otherFiles is the most files that relay has open besides its connections.
const otherFiles = 100

// descriptors compares the limit of open files with the configured connections, because
// each needs one.
func (h *hardware) descriptors() {
	most, whose, err := h.fileLimit()
	if err != nil {
		h.add("open files", finding.Warning, cmp.Or(exit.Hint(err), "run the check as the relay's user, or as root"), "cannot tell: %v", err)
		return
	}
	need := uint64(h.cfg.Limits.Connections + h.cfg.Delivery.Connections + otherFiles)
	if most < need {
		h.add("open files", finding.Warning, fmt.Sprintf("set LimitNOFILE=%d in the unit (ulimit -n in a shell), or lower connections in [limits] and [delivery]", need),
			"%s may have %d, as many connections as are configured need %d", whose, most, need)
		return
	}
	h.add("open files", finding.OK, "", "%s may have %d, at most %d are needed", whose, most, need)
}

// fileLimit returns the limit of the running relay. If none runs it is this process's hard
// limit, because a Go program raises its own limit to that.
func (h *hardware) fileLimit() (most uint64, whose string, err error) {
	if now := h.relay.health; now != nil && now.PID != os.Getpid() {
		most, err = kernel.FileLimit(now.PID)
		return most, "the relay", err
	}
	var limit unix.Rlimit
	err = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return uint64(limit.Max), "started here it", err
}

// clock judges the clock of the books, and then whether NTP keeps the system's. The time
// itself is shown, so that the operator sees a wrong one at once.
func (h *hardware) clock() {
	state, err := kernel.ReadClock()
	switch {
	case h.relay.clock != nil:
		h.add("clock", finding.Failed, jobs.ClockAdvice, "%s", words.ClockStands(h.relay.clock.Stands, h.relay.clock.Wall, h.cfg.Zone()))
	case err != nil:
		h.add("clock", finding.Warning, "see that the machine's clock is kept by NTP: dates in mail, months and TLS depend on it", "cannot tell: %v", err)
	case !state.Synced:
		h.add("clock", finding.Warning, "have it kept by NTP (timedatectl set-ntp true): dates in mail, months and TLS depend on it", "%s, not kept by a time server",
			words.Stamp(time.Now(), h.cfg.Zone()))
	default:
		h.add("clock", finding.OK, "", "%s, kept by a time server, off by %s at most", words.Stamp(time.Now(), h.cfg.Zone()), milliseconds(state.Off))
	}
}
