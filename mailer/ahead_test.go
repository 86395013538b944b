package mailer

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"relay/mailer/settings"
	"relay/mailer/sign"
	"relay/store/books"
	"relay/store/spooled"
)

var chunking = []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "SIZE 50000000", "CHUNKING"}

// distant dials through pipes whose octets take half a round trip.
type distant struct {
	w   *world
	rtt time.Duration
}

func (d distant) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	far, err := d.w.Dial(ctx, from, to)
	if err != nil {
		return nil, err
	}
	ours, near := net.Pipe()
	carry := func(dst, src net.Conn) {
		type piece struct {
			due  time.Time
			data []byte
		}
		pieces := make(chan piece, 1000)
		go func() {
			defer close(pieces)
			for {
				b := make([]byte, 32<<10)
				n, err := src.Read(b)
				if n > 0 {
					pieces <- piece{time.Now().Add(d.rtt / 2), b[:n]}
				}
				if err != nil {
					return
				}
			}
		}()
		for p := range pieces {
			time.Sleep(time.Until(p.due))
			if _, err := dst.Write(p.data); err != nil {
				break
			}
		}
		_, _ = dst.Close(), src.Close()
		for range pieces {
		}
	}
	go carry(near, far)
	go carry(far, near)
	return ours, nil
}

// A message costs one round trip on a connection that was used before, and none has
// its end sent before the one before it is settled.
func TestAhead_RoundTrips(t *testing.T) {
	const rtt, messages = 50 * time.Millisecond, 100
	for _, tt := range []struct {
		name string
		ext  []string
		size int
		most time.Duration // from the first message to the last
	}{
		{"DATA", nil, 5_000, (messages + 1) * rtt},
		{"BDAT", chunking, 5_000, (messages + 1) * rtt},
		{"large", chunking, 200_000, (messages + 1) * rtt},
		{"without PIPELINING", []string{"8BITMIME"}, 5_000, 4 * messages * rtt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, settings.Config{SiteConnections: 1, MessagesPerConnection: messages}, func(w *world) {
				w.mail.cfg.Load().Dialer = distant{w, rtt}
				h := w.host("example.test")
				h.ext = tt.ext
				var mu sync.Mutex
				var first, last time.Time
				ids := map[string]spooled.ID{}
				var before string
				h.say = func(x *exchange) string {
					if x.verb != "content" {
						return ""
					}
					mu.Lock()
					defer mu.Unlock()
					if first.IsZero() {
						first = time.Now()
					}
					last = time.Now()
					if before != "" && !w.gone(ids[before]) {
						t.Errorf("the end of a message came before the one before it was settled")
					}
					before, _, _ = strings.Cut(x.arg, "\r\n")
					return ""
				}
				for i := range messages {
					key := fmt.Sprint("X-Number: ", i)
					body := key + "\r\n" + content + strings.Repeat(strings.Repeat("x", 98)+"\r\n", tt.size/100)
					ids[key] = w.acceptBody(message("you@example.test"), body)
				}
				w.run(2 * time.Minute)
				if n := len(h.messages()); n != messages || h.connections() != 1 {
					t.Fatalf("%d messages in %d connections", n, h.connections())
				}
				if took := last.Sub(first); took > tt.most {
					t.Errorf("took %v, %.2f round trips each", took, float64(took)/float64(messages*rtt))
				}
			})
		})
	}
}

// slowKey takes its time for a signature.
type slowKey struct {
	ed25519.PrivateKey
	takes time.Duration
	made  atomic.Int64
}

func (k *slowKey) Sign(r io.Reader, sum []byte, o crypto.SignerOpts) ([]byte, error) {
	k.made.Add(1)
	time.Sleep(k.takes)
	return k.PrivateKey.Sign(r, sum, o)
}

// A message is signed while replies are on their way, and its length is known before:
// each still costs one round trip. One that nobody takes is not signed.
func TestAhead_Signs(t *testing.T) {
	const rtt, messages = 50 * time.Millisecond, 40
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, ext := range map[string][]string{"DATA": nil, "BDAT": chunking} {
		t.Run(name, func(t *testing.T) {
			key := &slowKey{PrivateKey: private, takes: 40 * time.Millisecond}
			cfg := settings.Config{SiteConnections: 1, MessagesPerConnection: 2 * messages, HostKey: &sign.Key{Domain: "relay.test", Selector: "own", Private: key}}
			inWorld(t, cfg, func(w *world) {
				w.change("acme", func(a *books.Account) { a.ServiceSignature = true })
				w.mail.cfg.Load().Dialer = distant{w, rtt}
				h := w.host("example.test")
				h.ext = ext
				w.send("refused@example.test")
				var mu sync.Mutex
				var came []time.Time
				h.say = func(x *exchange) string {
					if x.verb == "content" {
						mu.Lock()
						defer mu.Unlock()
						came = append(came, time.Now())
					}
					if x.verb == "RCPT" && strings.Contains(x.arg, "refused@") {
						return "550 5.1.1 no such user"
					}
					return ""
				}
				w.run(time.Minute)
				if n := key.made.Load(); n != 1 { // the DSN's
					t.Errorf("%d signatures for one message that was refused", n)
				}
				for range messages {
					w.send("you@example.test")
				}
				w.pass(time.Minute)
				list := h.messages()
				if len(list) != messages || signatureOf(list[0]) == "" || key.made.Load() != messages+1 {
					t.Fatalf("%d messages, %d signatures", len(list), key.made.Load())
				}
				mu.Lock()
				defer mu.Unlock()
				if took := came[messages-1].Sub(came[0]); took > (messages+1)*rtt {
					t.Errorf("took %v, %.2f round trips each", took, float64(took)/float64(messages*rtt))
				}
			})
		})
	}
}

// dwell lets the mailer claim more while a host takes a message.
func dwell(x *exchange) {
	if x.verb == "content" {
		time.Sleep(10 * time.Millisecond)
	}
}

// A host that errs at commands behind a message, or at BDAT, is told one command at a
// time on the next connection, and so on for a day; nothing is lost or doubled.
func TestAhead_HostErrs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		ext     []string
		verb    string
		word    string
		ahead   bool // errs only at what comes behind a message
		attempt int  // most attempts of a message
	}{
		{"closes at MAIL", nil, "MAIL", cut, true, 1},
		{"is silent at MAIL", nil, "MAIL", hang, true, 1},
		{"answers MAIL oddly", nil, "MAIL", "what?", true, 1},
		{"answers MAIL as DATA", nil, "MAIL", "354 go on", true, 1},
		{"refuses MAIL", nil, "MAIL", "503 5.5.1 nested MAIL", true, 1},
		{"refuses MAIL as such", nil, "MAIL", "550 5.7.1 go away", true, 1},
		{"closes at RCPT", nil, "RCPT", cut, true, 1},
		{"refuses RCPT", nil, "RCPT", "503 5.5.1 need MAIL", true, 1},
		{"closes at DATA", nil, "DATA", cut, true, 1},
		{"refuses DATA", nil, "DATA", "554 5.5.0 improper use of pipelining", true, 1},
		{"closes at the end", nil, "content", cut, true, 2},
		{"is silent at the end", nil, "content", hang, true, 2},
		{"closes at MAIL, with CHUNKING", chunking, "MAIL", cut, true, 1},
		{"refuses MAIL, with CHUNKING", chunking, "MAIL", "503 5.5.1 nested MAIL", true, 1},
		{"closes at the end, with CHUNKING", chunking, "content", cut, true, 2},
		{"does not know BDAT", chunking, "BDAT", "500 5.5.1 what?", false, 1},
		{"has BDAT out of order", chunking, "BDAT", "503 5.5.1 bad sequence", false, 1},
		{"closes at BDAT", chunking, "BDAT", cut, false, 2},
		{"is silent at BDAT", chunking, "BDAT", hang, false, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, settings.Config{SiteConnections: 1, Timeouts: quick}, func(w *world) {
				h := w.host("example.test")
				h.ext = tt.ext
				a := w.dns.addrs["mx.example.test"][0]
				h.say = func(x *exchange) string {
					dwell(x)
					if x.verb == tt.verb && (x.ahead || !tt.ahead) {
						return tt.word
					}
					return ""
				}
				const messages = 12
				var ids []spooled.ID
				for i := range messages {
					ids = append(ids, w.send(fmt.Sprintf("you%d@example.test", i)))
				}
				w.run(time.Hour)
				for i, id := range ids {
					to := fmt.Sprintf("you%d@example.test", i)
					w.wantFinal(id, to, spooled.Delivered, "250")
					if n := len(w.attempts(id)); n > tt.attempt {
						t.Errorf("%s: %d attempts, want %d", to, n, tt.attempt)
					}
				}
				got := map[string]int{}
				for _, r := range h.messages() {
					got[r.to[0]]++
				}
				for to, n := range got {
					if n != 1 {
						t.Errorf("%s has it %d times", to, n)
					}
				}
				if len(got) != messages || h.connections() > 6 {
					t.Errorf("%d of %d have it, in %d connections", len(got), messages, h.connections())
				}
				if !w.mail.out.Hosts.Manners(a).Slow {
					t.Error("not remembered")
				}
			})
		})
	}
}

// A host that refuses a message for what it is says so again when it is asked plainly:
// it keeps its round trips.
func TestAhead_Refused(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1, Timeouts: quick}, func(w *world) {
		h := w.host("example.test")
		a := w.dns.addrs["mx.example.test"][0]
		h.say = func(x *exchange) string {
			dwell(x)
			if x.verb == "MAIL" && strings.Contains(x.arg, "bad@") {
				return "550 5.7.1 not from you"
			}
			return ""
		}
		var bad []spooled.ID
		for i := range 30 {
			m := message(fmt.Sprintf("you%d@example.test", i))
			if i%3 == 2 {
				m.Sender = "bad@src.test"
			}
			if id := w.accept(m); i%3 == 2 {
				bad = append(bad, id)
			}
		}
		w.run(time.Hour)
		for i, id := range bad {
			w.wantFinal(id, fmt.Sprintf("you%d@example.test", 3*i+2), spooled.Failed, "550 5.7.1 not from you")
		}
		if n := len(h.messages()); n != 20 || h.connections() > 3 {
			t.Errorf("%d delivered in %d connections", n, h.connections())
		}
		if w.mail.out.Hosts.Manners(a).Slow || w.mail.out.Hosts.MayLose(a) {
			t.Error("taken for one that cannot pipeline")
		}
	})
}

// What was promised to a connection that then ends is not attempted by that, and goes
// by another one, also while the connection waits for a reply.
func TestAhead_Forgone(t *testing.T) {
	for _, word := range []string{cut, hang, "421 4.3.2 going down", "451 4.3.0 later"} {
		t.Run(name("content", word), func(t *testing.T) {
			inWorld(t, settings.Config{SiteConnections: 2, Timeouts: quick}, func(w *world) {
				h := w.host("example.test")
				var mu sync.Mutex
				n := 0
				h.say = func(x *exchange) string {
					dwell(x)
					mu.Lock()
					defer mu.Unlock()
					if x.verb == "content" {
						if n++; n == 6 {
							return word
						}
					}
					return ""
				}
				var ids []spooled.ID
				for i := range 40 {
					ids = append(ids, w.send(fmt.Sprintf("you%d@example.test", i)))
				}
				w.start()
				w.pass(30 * time.Second)
				waiting := 0
				for _, id := range ids {
					if !w.gone(id) {
						waiting++
					}
				}
				if waiting != 1 {
					t.Errorf("%d messages wait, want the one that was not taken", waiting)
				}
				w.pass(time.Hour)
				attempts := 0
				for _, id := range ids {
					attempts += len(w.attempts(id))
				}
				if len(h.messages()) != 40 || attempts != 41 {
					t.Errorf("%d messages in %d attempts", len(h.messages()), attempts)
				}
			})
		})
	}
}

// What a clean stop finds promised goes back and is due at the next start.
func TestAhead_Stop(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		h := w.host("example.test")
		var mu sync.Mutex
		n := 0
		h.say = func(x *exchange) string {
			dwell(x)
			mu.Lock()
			defer mu.Unlock()
			if x.verb == "content" {
				if n++; n == 3 {
					if !x.ahead {
						t.Error("nothing came ahead")
					}
					w.stop()
					time.Sleep(5 * time.Second)
				}
			}
			return ""
		}
		for i := range 10 {
			w.send(fmt.Sprintf("you%d@example.test", i))
		}
		w.start()
		w.pass(time.Minute)
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		w.stop = nil
		if got := len(h.messages()); got != 3 {
			t.Errorf("%d messages delivered", got)
		}
		synctest.Wait()
		w.mail, _ = New(w.store.Spool, w.cfg, w.mail.log)
		w.run(time.Second)
		if got := len(h.messages()); got != 10 {
			t.Errorf("%d messages delivered after the next start", got)
		}
	})
}
