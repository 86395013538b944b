package cli

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

// machine looks at what a relay needs of it.
func (c *checker) machine() {
	c.disk()
	c.diskSpeed()
	c.descriptors()
	c.clock()
}

// room below which a disk is nearly full, and full.
const (
	littleRoom = 2_000_000_000
	noRoom     = 200_000_000
)

func (c *checker) disk() {
	dir := string(c.dir)
	for dir != "/" {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		c.add("disk", finding.Failed, "", "%s: %v", dir, err)
		return
	}
	free, all := int64(fs.Bavail)*int64(fs.Bsize), int64(fs.Blocks)*int64(fs.Bsize)
	const advice = "make space: a relay without it refuses mail with 452"
	switch {
	case free < noRoom:
		c.add("disk", finding.Failed, advice, "%s free of %s at %s", words.Size(free), words.Size(all), dir)
	case free < littleRoom:
		c.add("disk", finding.Warning, advice, "%s free of %s at %s", words.Size(free), words.Size(all), dir)
	default:
		c.add("disk", finding.OK, "", "%s free of %s at %s", words.Size(free), words.Size(all), dir)
	}
}

// How a disk's speed is measured: small writes, each made to last, as the store
// does for a lone message.
const (
	speedWrites = 20
	speedTime   = time.Second
	slowSync    = 20 * time.Millisecond
)

func (c *checker) diskSpeed() {
	if _, err := os.Stat(string(c.dir)); err != nil {
		return // there is nothing to measure yet
	}
	median, err := syncTime(string(c.dir))
	switch {
	case err != nil:
		c.add("disk speed", finding.Warning, cmp.Or(exit.Hint(err), "see the other lines about disk and data directory"), "cannot tell: %v", err)
	case median > slowSync:
		c.add("disk speed", finding.Warning, "use a faster disk, or one that nobody else keeps busy: a program that sends one message after the other waits so long for each",
			"%s to make a small write last, %d messages a second from one connection", milliseconds(median), int(time.Second/median))
	default:
		c.add("disk speed", finding.OK, "", "%s to make a small write last", milliseconds(median))
	}
}

// milliseconds of a short time.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
}

// syncTime is the median time of a small write with its sync.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, ".speed-*")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil { // what is left of a check that was killed
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

// otherFiles that a relay has open besides its connections.
const otherFiles = 100

// descriptors: each connection needs one.
func (c *checker) descriptors() {
	most, whose, err := c.fileLimit()
	if err != nil {
		c.add("open files", finding.Warning, cmp.Or(exit.Hint(err), "run the check as the relay's user, or as root"), "cannot tell: %v", err)
		return
	}
	need := uint64(c.cfg.Limits.Connections + c.cfg.Delivery.Connections + otherFiles)
	if most < need {
		c.add("open files", finding.Warning, fmt.Sprintf("set LimitNOFILE=%d in the unit (ulimit -n in a shell), or lower connections in [limits] and [delivery]", need),
			"%s may have %d, as many connections as are configured need %d", whose, most, need)
		return
	}
	c.add("open files", finding.OK, "", "%s may have %d, at most %d are needed", whose, most, need)
}

// fileLimit is that of the running relay, or what one started here could have: a
// Go program raises its own limit to the hard one.
func (c *checker) fileLimit() (most uint64, whose string, err error) {
	if c.health != nil && c.health.PID != os.Getpid() {
		most, err = kernel.FileLimit(c.health.PID)
		return most, "the relay", err
	}
	var limit unix.Rlimit
	err = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return uint64(limit.Max), "started here it", err
}

func (c *checker) clock() {
	state, err := kernel.ReadClock()
	switch {
	case c.hold != nil:
		c.add("clock", finding.Failed, jobs.ClockAdvice, "%s", words.ClockStands(c.hold.Stands, c.hold.Wall, c.cfg.Zone()))
	case err != nil:
		c.add("clock", finding.Warning, "see that the machine's clock is kept by NTP: dates in mail, months and TLS depend on it", "cannot tell: %v", err)
	case !state.Synced:
		c.add("clock", finding.Warning, "have it kept by NTP (timedatectl set-ntp true): dates in mail, months and TLS depend on it", "%s, not kept by a time server",
			words.Stamp(time.Now(), c.cfg.Zone()))
	default:
		c.add("clock", finding.OK, "", "%s, kept by a time server, off by %s at most", words.Stamp(time.Now(), c.cfg.Zone()), milliseconds(state.Off))
	}
}
