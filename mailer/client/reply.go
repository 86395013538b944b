package client

import "strconv"

// Reply is what a next hop answered (RFC 5321 §4.2), or a word of our own.
type Reply struct {
	Code     int    // 250
	Enhanced [3]int // 2.1.5 (RFC 3463), first digit as in Code; all zero: none was given
	Text     string // all lines joined by a space, codes stripped, printable, at most 1,000 octets; "" for a plain 250 of a RCPT
}

func local(code, class, subject, detail int, text string) Reply {
	return Reply{Code: code, Enhanced: [3]int{class, subject, detail}, Text: text}
}

// Delivered reports a 2yz.
func (r Reply) Delivered() bool { return r.Code/100 == 2 }

// Temporary reports a 4yz, and anything that is neither 2yz nor 5yz.
func (r Reply) Temporary() bool { return !r.Delivered() && !r.Permanent() }

// Permanent reports a 5yz.
func (r Reply) Permanent() bool { return r.Code/100 == 5 }

// Status is the enhanced code as text, X.0.0 where none was given.
func (r Reply) Status() string {
	e := r.Enhanced
	if e[0] == 0 {
		e[0] = r.Code / 100
	}
	return string(appendEnhanced(nil, e))
}

// String is the reply on one line: code, enhanced code, text.
func (r Reply) String() string {
	b := strconv.AppendInt(make([]byte, 0, 12+len(r.Text)), int64(r.Code), 10)
	if r.Enhanced[0] != 0 {
		b = appendEnhanced(append(b, ' '), r.Enhanced)
	}
	if r.Text != "" {
		b = append(append(b, ' '), r.Text...)
	}
	return string(b)
}

func appendEnhanced(b []byte, e [3]int) []byte {
	b = strconv.AppendInt(b, int64(e[0]), 10)
	b = strconv.AppendInt(append(b, '.'), int64(e[1]), 10)
	return strconv.AppendInt(append(b, '.'), int64(e[2]), 10)
}
