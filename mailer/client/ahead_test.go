package client

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// sized is an envelope whose content is message.
func sized(to ...string) *Envelope {
	e := envelope(to...)
	e.Size = int64(len(message))
	return e
}

// inTurn delivers message for each envelope, each begun behind the end of the one
// before, and stops when the connection is gone.
func inTurn(c *Client, list ...*Envelope) (results []Result) {
	c.prompt = true // as if others had gone before
	for i, e := range list {
		r := c.DeliverBefore(e, strings.NewReader(message), Ahead{Next: func() *Envelope {
			if i+1 < len(list) {
				return list[i+1]
			}
			return nil
		}})
		if results = append(results, r); !c.Usable() {
			break
		}
	}
	return results
}

func TestClient_DeliverBefore(t *testing.T) {
	const (
		first   = "C: MAIL FROM:<a@x.example>\nC: RCPT TO:<b@y.example>\n"
		second  = "C: MAIL FROM:<a@x.example>\nC: RCPT TO:<c@y.example>\n"
		content = "C: Subject: x\nC: \nC: hello\nC: ..dot\nC: .\n"
		chunk   = "C: BDAT 27 LAST\nC: Subject: x\nC: \nC: hello\nC: .dot\n"
		ok2     = "S: 250 ok\nS: 250 ok\n"
		go3     = ok2 + "S: 354 go on\n"
	)
	sizes := strings.NewReplacer("a@x.example>\n", "a@x.example> SIZE=27\n")
	for _, tt := range []struct {
		name, ext, script string
		want              []string // outcomes of two messages
		err               string   // of the last
		odd, uncertain    bool     // likewise
	}{
		{"DATA", "PIPELINING", "FLIGHT DATA\n" + first + "C: DATA\n" + go3 +
			"FLIGHT DATA\n" + content + second + "C: DATA\nS: 250 first\n" + go3 +
			"FLIGHT .\n" + content + "S: 250 second\nC: QUIT\nS: 221 bye",
			[]string{"end 250 first", "end 250 second"}, "", false, false},
		{"BDAT", "PIPELINING\nS: 250-SIZE\nS: 250-CHUNKING", sizes.Replace("FLIGHT RCPT TO:<b@y.example>\n" + first + ok2 +
			"FLIGHT RCPT TO:<c@y.example>\n" + chunk + second + "S: 250 first\n" + ok2 +
			"FLIGHT .dot\n" + chunk + "S: 250 second\nC: QUIT\nS: 221 bye"),
			[]string{"end 250 first", "end 250 second"}, "", false, false},
		{"the replies come one by one", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nWAIT 1s\nS: 250 ok\nWAIT 1s\nS: 250 ok\nWAIT 1s\nS: 354 go on\n" +
			content + "S: 250 second\nC: QUIT",
			[]string{"end 250 first", "end 250 second"}, "", false, false},
		{"without PIPELINING, nothing is begun", "CHUNKING", "C: MAIL FROM:<a@x.example>\nS: 250 ok\nC: RCPT TO:<b@y.example>\nS: 250 ok\nC: DATA\nS: 354 go on\n" +
			"FLIGHT .\n" + content + "S: 250 first\nC: MAIL FROM:<a@x.example>\nS: 550 5.7.1 no\nC: QUIT",
			[]string{"end 250 first", "MAIL 550 5.7.1 no"}, "", false, false},
		{"the first is refused", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 554 5.7.1 spam\n" + go3 + content + "S: 250 second\nC: QUIT",
			[]string{"end 554 5.7.1 spam", "end 250 second"}, "", false, false},
		{"the first is put off at RCPT: another host is next", "PIPELINING", first + "C: RCPT TO:<d@y.example>\nC: DATA\nS: 250 ok\n" + "S: 450 later\n" + "S: 250 ok\nS: 354 go on\n" +
			"FLIGHT .\n" + content + "S: 250 first\n" + second + "C: DATA\n" + go3 + content + "S: 250 second\nC: QUIT",
			[]string{"RCPT 450 later\nend 250 first", "end 250 second"}, "", false, false},
		{"the second's recipient is refused, DATA too", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nS: 250 ok\nS: 550 5.1.1 no\nS: 554 5.5.1 nobody\nC: QUIT",
			[]string{"end 250 first", "RCPT 550 5.1.1 no"}, "", false, false},
		{"the second's recipient is refused, DATA is not", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go on\nFLIGHT .\nC: .\nS: 554 nothing\nC: QUIT",
			[]string{"end 250 first", "RCPT 550 5.1.1 no"}, "", false, false},
		{"the second's MAIL is refused", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nS: 503 5.5.1 nested\nS: 503 no\nS: 503 no\nC: QUIT",
			[]string{"end 250 first", "MAIL 503 5.5.1 nested"}, "", true, false},
		{"the second's MAIL is refused for now", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nS: 451 4.7.1 later\nS: 503 no\nS: 503 no\nC: QUIT",
			[]string{"end 250 first", "MAIL 451 4.7.1 later"}, "", false, false},
		{"the second's commands are lost", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nCLOSE",
			[]string{"end 250 first", "local MAIL 451 4.4.2 MAIL: connection closed"}, "MAIL: connection closed", true, false},
		{"the second's commands are swallowed", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nWAIT 6m\n",
			[]string{"end 250 first", "local MAIL 451 4.4.2 MAIL: no answer in time"}, "MAIL: no answer in time", true, false},
		{"421 instead of the second", "PIPELINING", first + "C: DATA\n" + go3 +
			content + second + "C: DATA\nS: 250 first\nS: 421 4.7.0 enough\nCLOSE",
			[]string{"end 250 first", "MAIL 421 4.7.0 enough"}, "MAIL: 421 4.7.0 enough", false, false},
		{"closed in place of the end's reply", "PIPELINING", first + "C: DATA\n" + go3 + content + second + "C: DATA\nCLOSE",
			[]string{"local end 451 4.4.2 end: connection closed"}, "end: connection closed", true, true},
		{"BDAT is not known", "PIPELINING\nS: 250-CHUNKING", first + ok2 + chunk + second + "S: 500 5.5.1 what?\n",
			[]string{"end 500 5.5.1 what?"}, "", true, false},
		{"BDAT is swallowed", "PIPELINING\nS: 250-CHUNKING", first + ok2 + chunk + second + "WAIT 11m\n",
			[]string{"local end 451 4.4.2 end: no answer in time"}, "end: no answer in time", true, true},
		{"BDAT for those accepted, none for nobody", "PIPELINING\nS: 250-CHUNKING", first + "C: RCPT TO:<d@y.example>\nS: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\n" +
			chunk + second + "S: 250 first\nS: 250 ok\nS: 550 5.1.1 no\nC: QUIT",
			[]string{"end 250 first\nRCPT 550 5.1.1 no", "RCPT 550 5.1.1 no"}, "", false, false},
		{"a reply too many before BDAT", "PIPELINING\nS: 250-CHUNKING", first + ok2 + "S: 250 ok\n",
			[]string{"local content 451 4.5.0 content: not an SMTP reply"}, "not an SMTP reply", false, false},
		{"a reply too many before the dot", "PIPELINING", first + "C: DATA\n" + go3 + "S: 250 ok\n",
			[]string{"local content 451 4.5.0 content: not an SMTP reply"}, "not an SMTP reply", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, "S: 220 mx.example ESMTP\nC: EHLO relay.example\nS: 250-mx.example\nS: 250-"+tt.ext+"\nS: 250 HELP\n"+tt.script, func(conn net.Conn) {
				c := open(t, conn)
				one := sized("b@y.example")
				if strings.Contains(tt.script, "d@y.example") {
					one = sized("b@y.example", "d@y.example")
				}
				results := inTurn(c, one, sized("c@y.example"))
				var got []string
				for _, r := range results {
					got = append(got, outcomes(r))
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("outcomes %q, want %q", got, tt.want)
				}
				last := results[len(results)-1]
				if s := fmt.Sprint(last.Err); !strings.HasSuffix(s, tt.err) || tt.err == "" && last.Err != nil {
					t.Errorf("Err = %v, want %s", last.Err, tt.err)
				}
				if last.Odd != tt.odd || last.Uncertain != tt.uncertain {
					t.Errorf("odd %v, uncertain %v", last.Odd, last.Uncertain)
				}
				_ = c.Quit()
			})
		})
	}
}

// Only a next hop that answers promptly is sent commands ahead, and when it does not
// all the same, what waits behind is told to go elsewhere.
func TestClient_DeliverBefore_slow(t *testing.T) {
	const (
		first  = "C: MAIL FROM:<a@x.example>\nC: RCPT TO:<b@y.example>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go on\n"
		dot    = "C: Subject: x\nC: \nC: hello\nC: ..dot\nC: .\n"
		second = "C: MAIL FROM:<a@x.example>\nC: RCPT TO:<c@y.example>\nC: DATA\n"
	)
	for _, tt := range []struct {
		name, script string
		asked, late  []time.Duration // when, since the end of the first was sent
		usable       bool
	}{
		{"the first on a connection", first + "FLIGHT .\n" + dot + "S: 250 first\n" + first + "FLIGHT DATA\n" + dot + second + "S: 250 second\nWAIT 1h",
			[]time.Duration{0}, nil, true},
		{"the first took a second", first + "FLIGHT .\n" + dot + "WAIT 1s\nS: 250 first\n" + first + "FLIGHT .\n" + dot + "S: 250 second\nWAIT 1h", nil, nil, true},
		{"the second is late", first + dot + "S: 250 first\n" + first + dot + second + "WAIT 9m\nS: 250 second\nWAIT 1h", []time.Duration{0}, []time.Duration{10 * time.Second}, false},
		{"the second is not answered", first + dot + "S: 250 first\n" + first + dot + second + "WAIT 1h", []time.Duration{0}, []time.Duration{10 * time.Second}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, hello("PIPELINING")+tt.script, func(conn net.Conn) {
				c := open(t, conn)
				if r := c.Deliver(envelope("b@y.example"), strings.NewReader(message)); r.Delivered() != 1 {
					t.Fatal(outcomes(r))
				}
				var asked, told []time.Duration
				start := time.Now()
				r := c.DeliverBefore(envelope("b@y.example"), strings.NewReader(message), Ahead{
					Next: func() *Envelope { asked = append(asked, time.Since(start)); return envelope("c@y.example") },
					Late: func() { told = append(told, time.Since(start)) },
				})
				if !slices.Equal(asked, tt.asked) || !slices.Equal(told, tt.late) || c.Usable() != tt.usable {
					t.Errorf("asked after %v, late after %v, usable %v", asked, told, c.Usable())
				}
				if r.Delivered() != 1 && !r.Uncertain {
					t.Errorf("Deliver = %+v", r)
				}
				_ = c.Close()
			})
		})
	}
}

// moody is a next hop that answers as it should, but for one reply, or until its
// replies are cut off.
type moody struct {
	conn     net.Conn
	br       *bufio.Reader
	chunking bool
	place    int    // number of the reply that is another one; -1: none
	other    string // that, with its line's end; "": it closes
	cut      int    // octets of replies after which it closes; -1: never

	n       int
	to      []string
	taken   []string     // recipients, as often as they have a message
	settled atomic.Int32 // messages whose outcome the client has told
	early   bool         // the end of one came before that
	ends    int32
}

func (m *moody) say(text string) bool {
	if m.n == m.place {
		text = m.other
	}
	m.n++
	if m.cut >= 0 && len(text) > m.cut {
		_, _ = io.WriteString(m.conn, text[:m.cut])
		return false
	}
	m.cut -= min(len(text), max(m.cut, 0))
	_, err := io.WriteString(m.conn, text)
	return err == nil && text != ""
}

// positive reports whether the first reply in text is a 2yz.
func positive(text string) bool {
	for line := range strings.Lines(text) {
		if len(line) < 4 || line[3] != '-' {
			return line[0] == '2'
		}
	}
	return false
}

// ended answers the end of a content, and takes the message if it says so.
func (m *moody) ended() bool {
	m.early = m.early || m.settled.Load() < m.ends
	m.ends++
	text := "250 2.0.0 taken\r\n"
	if m.n == m.place {
		text = m.other
	}
	if positive(text) {
		m.taken = append(m.taken, m.to...)
	}
	m.to = nil
	return m.say("250 2.0.0 taken\r\n")
}

func (m *moody) serve() {
	defer m.conn.Close()
	for {
		line, err := m.br.ReadString('\n')
		if err != nil {
			return
		}
		good := true
		word := strings.Fields(line)
		switch word[0] {
		case "MAIL":
			m.to = nil
			good = m.say("250 2.1.0 ok\r\n")
		case "RCPT":
			if m.n != m.place || positive(m.other) {
				m.to = append(m.to, word[1])
			}
			good = m.say("250 2.1.5 ok\r\n")
		case "DATA":
			goes := m.n == m.place && strings.HasPrefix(m.other, "354") || m.n != m.place && len(m.to) > 0
			text := "354 go on\r\n"
			if len(m.to) == 0 {
				text = "503 5.5.1 no recipients\r\n"
			}
			if good = m.say(text); good && goes {
				for line != ".\r\n" {
					if line, err = m.br.ReadString('\n'); err != nil {
						return
					}
				}
				good = m.ended()
			}
		case "BDAT":
			size, _ := strconv.Atoi(word[1])
			if _, err := io.CopyN(io.Discard, m.br, int64(size)); err != nil {
				return
			}
			if len(m.to) == 0 {
				good = m.say("503 5.5.1 no recipients\r\n")
			} else {
				good = m.ended()
			}
		case "RSET":
			m.to = nil
			good = m.say("250 2.0.0 ok\r\n")
		default:
			good = m.say("500 5.5.1 what?\r\n")
		}
		if !good {
			return
		}
	}
}

// Whatever a next hop answers at whatever place, and wherever it breaks off: each
// recipient has one outcome, it has the message if that says so, and not if it says
// otherwise, unless the connection was lost in that moment. No end of a message comes
// before the client has told what became of the one before.
func TestClient_DeliverBefore_anyReply(t *testing.T) {
	for _, chunking := range []bool{false, true} {
		for place := range 20 {
			for _, other := range []string{"", "250 ok", "251 ok", "200 ok", "354 go", "421 bye", "450 later", "452 4.5.3 many", "451-4.3.0 so\r\n451 4.3.0 so",
				"500 what", "501 how", "502 not here", "503 not now", "550 5.1.1 no", "552 much", "554 5.5.0 pipelining", "250-well\r\n450 later", "250-well\r\n250 ok", "nonsense", "999 odd", "250 ok\r\n250 ok", "250 ok\r\n550 no"} {
				if other != "" {
					other += "\r\n"
				}
				checkMoody(t, &moody{chunking: chunking, place: place, other: other, cut: -1})
			}
		}
		for cut := range 320 {
			checkMoody(t, &moody{chunking: chunking, place: -1, cut: cut})
		}
	}
}

func checkMoody(t *testing.T, m *moody) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		m.conn, m.br = far, bufio.NewReader(far)
		ended := make(chan struct{})
		go func() { defer close(ended); m.serve() }()
		c := &Client{raw: near, conn: near}
		c.times.setDefaults()
		c.in.br = bufio.NewReader(near)
		c.ext = Extensions{Pipelining: true, Chunking: m.chunking}
		var list []*Envelope
		for i := range 4 {
			list = append(list, sized(fmt.Sprintf("a%d@y.example", i), fmt.Sprintf("b%d@y.example", i)))
		}
		var results []Result
		c.prompt = true // as if others had gone before
		for i, e := range list {
			r := c.DeliverBefore(e, strings.NewReader(message), Ahead{Next: func() *Envelope {
				if i+1 < len(list) {
					return list[i+1]
				}
				return nil
			}})
			results = append(results, r)
			m.settled.Add(1)
			if !c.Usable() {
				break
			}
		}
		_ = c.Close()
		<-ended
		has := map[string]int{}
		for _, to := range m.taken {
			has[to]++
		}
		fault := func(format string, args ...any) {
			t.Helper()
			t.Errorf("chunking %v, reply %d %q, cut %d: %s", m.chunking, m.place, m.other, m.cut, fmt.Sprintf(format, args...))
		}
		if m.early {
			fault("an end came early")
		}
		for i, e := range list {
			for k, to := range e.Rcpts {
				n := has["TO:<"+to.Address+">"]
				if i >= len(results) {
					if n != 0 {
						fault("%s has what was not delivered", to.Address)
					}
					continue
				}
				r := &results[i]
				o := r.Rcpts[k]
				if o.Reply.Code == 0 || o.Reply.Delivered() != (n == 1) && !(n <= 1 && r.Uncertain) || n > 1 {
					fault("%s has it %d times, outcome %s %v, uncertain %v", to.Address, n, o.Stage, o.Reply, r.Uncertain)
				}
			}
		}
	})
}
