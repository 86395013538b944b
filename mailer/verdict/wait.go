package verdict

import (
	"bytes"
	"regexp"
	"strconv"
	"time"
)

// maxWait is the longest wait or suspension that is believed.
const maxWait = 24 * time.Hour

// A wait follows a word about another attempt: "try again in 300 seconds", "greylisted for
// 5 minutes", "please retry in 00:04:59".
var (
	spanRE  = regexp.MustCompile(`(?:again|retry|wait|later|greylist\w*|delay\w*|next attempt)\b[^0-9]{0,40}\b([0-9]{1,6}) ?(sec|s\b|min|m\b|hour|hr|h\b|day)`)
	clockRE = regexp.MustCompile(`(?:again|retry|wait|later|greylist\w*|delay\w*|next attempt)\b[^0-9]{0,40}\b([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?\b`)

	cues = [][]byte{[]byte("again"), []byte("retry"), []byte("wait"), []byte("later"), []byte("greylist"), []byte("delay"), []byte("next attempt")}
)

var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

// waitIn returns the wait that a normalised text asks for, at most a day; 0: none.
func waitIn(text []byte) time.Duration {
	cue := false
	for _, c := range cues {
		cue = cue || bytes.Contains(text, c)
	}
	if !cue {
		return 0
	}
	var d time.Duration
	if m := clockRE.FindSubmatch(text); m != nil {
		d = time.Duration(number(m[1]))*time.Hour + time.Duration(number(m[2]))*time.Minute + time.Duration(number(m[3]))*time.Second
		if m[3] == nil {
			d /= 60 // minutes and seconds
		}
	} else if m := spanRE.FindSubmatch(text); m != nil {
		d = time.Duration(number(m[1])) * units[m[2][0]]
	}
	return min(d, maxWait)
}

// number reads the digits that a pattern has found; nil is 0.
func number(b []byte) int {
	n, _ := strconv.Atoi(string(b))
	return n
}
