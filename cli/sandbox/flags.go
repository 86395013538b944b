package sandbox

import (
	"fmt"
	"time"

	"relay/cli/clock"
	"relay/report/words"
)

// momentFlag is an instant in the operator's zone.
type momentFlag struct {
	t   time.Time
	set bool
}

func (f *momentFlag) String() string { return "" }

// Set implements flag.Value.
func (f *momentFlag) Set(text string) (err error) {
	f.set = true
	f.t, err = words.ParseMoment(text, time.Local)
	return err
}

// speedFlag is how many times as fast as real time the clock runs.
type speedFlag struct {
	n   int64
	set bool
}

func (f *speedFlag) String() string { return "" }

// Set implements flag.Value.
func (f *speedFlag) Set(text string) (err error) {
	f.set = true
	f.n, err = words.ParseCount(text)
	if err == nil && (f.n < 1 || f.n > clock.MaxSpeed) {
		err = fmt.Errorf("%s is not between 1 and %s", text, words.Number(clock.MaxSpeed))
	}
	return err
}

// trafficFlag is how many octets the sandbox sends a month.
type trafficFlag struct{ n int64 }

func (f *trafficFlag) String() string { return "" }

// Set implements flag.Value.
func (f *trafficFlag) Set(text string) (err error) {
	f.n, err = words.ParseSize(text)
	if err == nil && (f.n < leastTraffic || f.n > mostTraffic) {
		err = fmt.Errorf("%s is not between %s and %s", text, words.Size(leastTraffic), words.Size(mostTraffic))
	}
	return err
}

// portFlag is a TCP port; 0: any.
type portFlag struct {
	n   int
	set bool
}

func (f *portFlag) String() string { return "" }

// Set implements flag.Value.
func (f *portFlag) Set(text string) error {
	n, err := words.ParseCount(text)
	if err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not a port, 0 to 65535", text)
	}
	f.n, f.set = int(n), true
	return nil
}

// begin is the time at which the clock starts.
func (f *flags) begin() time.Time {
	if f.at.set {
		return f.at.t
	}
	return time.Now()
}

// clock starts the clock that the flags ask for.
func (f *flags) clock() clock.Clock {
	if !f.at.set && !f.speed.set {
		return clock.Clock{}
	}
	return clock.New(f.begin(), f.speed.n)
}
