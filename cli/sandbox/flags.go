package sandbox

import (
	"fmt"
	"time"

	"relay/cli/clock"
	"relay/report/api/field"
	"relay/report/words"
)

// parseMoment reads an instant in the operator's zone.
func parseMoment(text string) (time.Time, error) { return words.ParseMoment(text, time.Local) }

// parseSpeed reads how many times as fast as real time the clock runs.
func parseSpeed(text string) (int64, error) {
	n, err := words.ParseCount(text)
	if err == nil && (n < 1 || n > clock.MaxSpeed) {
		err = fmt.Errorf("%s is not between 1 and %s", text, words.Number(clock.MaxSpeed))
	}
	return n, err
}

// parseTraffic reads how many octets the sandbox sends a month.
func parseTraffic(text string) (int64, error) {
	n, err := words.ParseSize(text)
	if err == nil && (n < leastTraffic || n > mostTraffic) {
		err = fmt.Errorf("%s is not between %s and %s", text, words.Size(leastTraffic), words.Size(mostTraffic))
	}
	return n, err
}

// parsePort reads a TCP port; 0: any.
func parsePort(text string) (int64, error) {
	n, err := words.ParseCount(text)
	if err != nil || n < 0 || n > 65535 {
		return n, fmt.Errorf("%q is not a port, 0 to 65535", text)
	}
	return n, nil
}

// begin is the time at which the clock starts.
func (f *flags) begin() time.Time {
	return field.Or(f.at, time.Now())
}

// clock starts the clock that the flags ask for.
func (f *flags) clock() clock.Clock {
	if f.at == nil && f.speed == nil {
		return clock.Clock{}
	}
	return clock.New(f.begin(), field.Or0(f.speed))
}
