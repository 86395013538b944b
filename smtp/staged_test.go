package smtp

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"relay/quota"
)

// megabytes is content of n MB.
func megabytes(n int) string { return strings.Repeat(strings.Repeat("x", 98)+"\r\n", n*10_000) }

// staged proves the store's file and returns how many bodies are staged.
func (f *fixture) staged() int64 {
	f.t.Helper()
	synctest.Wait()
	st, err := f.st.Verify(f.t.Context(), func(p string) { f.t.Errorf("Verify: %s", p) })
	if err != nil {
		f.t.Fatal(err)
	}
	return st.Staged
}

// What the allowance does not hold is refused while it comes: it leaves the disk at
// once, the reply is that of the end, and the session goes on.
func TestStaged_overTheAllowance(t *testing.T) {
	for _, bdat := range []bool{false, true} {
		bubble(t, setup{plan: quota.Plan{Bandwidth: 5_000_000}}, func(t *testing.T, f *fixture) {
			c := f.dial(Implicit, "192.0.2.1")
			c.login()
			if bdat {
				c.do("MAIL FROM:<a@b.example>", "250 ", "RCPT TO:<c@d.example>", "250 ")
				c.send("BDAT 8000000\r\n" + megabytes(8))
			} else {
				c.envelope()
				c.send("a: b\r\n\r\n" + megabytes(3))
				if f.staged() != 1 {
					t.Error("nothing of 3 MB is staged")
				}
				c.send(megabytes(4))
				if f.staged() != 0 {
					t.Error("7 MB are kept of an allowance of 5 MB, before the end has come")
				}
				c.send(megabytes(1) + ".\r\n")
			}
			c.want("552 5.7.1 plan limit: 0 octets of 5 MB used, ")
			c.do("RSET", "250 ")
			c.envelope()
			c.do("a: b\r\n\r\nsmall\r\n.", "250 2.0.0 queued")
			_ = c.conn.Close()
			if ms, _ := f.spooled(); len(ms) != 1 || f.charged().Messages != 1 || f.staged() != 0 {
				t.Errorf("%d messages stored, charged %v", len(ms), f.charged())
			}
		})
	}
}

// What an account stages has a cap, over all its connections, of twice the largest
// message at least; who is over it hears 452, and can go on when the others are
// through. Nothing is charged before the end.
func TestStaged_connectionsThatNeverEnd(t *testing.T) {
	bubble(t, setup{cfg: Config{MaxMessage: 3_000_000, StagedPerAccount: 1}}, func(t *testing.T, f *fixture) {
		if f.srv.cfg().StagedPerAccount != 6_000_000 {
			t.Errorf("the cap is %d", f.srv.cfg().StagedPerAccount)
		}
		var open []*client
		for range 8 {
			c := f.dial(Implicit, "192.0.2.1")
			c.login()
			c.envelope()
			c.send("a: b\r\n\r\n" + megabytes(2))
			open = append(open, c)
		}
		if n := f.staged(); n > 6 {
			t.Errorf("%d bodies of 1 MiB and more are staged", n)
		}
		if f.charged() != (quota.Charge{}) {
			t.Errorf("charged %v", f.charged())
		}
		ok, full := 0, 0
		for _, c := range open {
			c.send(".\r\n")
			if s := c.line(); strings.HasPrefix(s, "452 4.3.1 too much mail of this account") {
				full++
			} else if strings.HasPrefix(s, "250 ") {
				ok++
			} else {
				t.Error(s)
			}
		}
		if ok < 5 || full == 0 || f.charged().Messages != int64(ok) {
			t.Errorf("%d accepted, %d refused for now, charged %v", ok, full, f.charged())
		}
		c := open[7]
		c.envelope()
		c.send("a: b\r\n\r\n" + megabytes(2) + ".\r\n")
		c.want("250 ")
		for _, c := range open {
			_ = c.conn.Close()
		}
		if f.staged() != 0 {
			t.Error("something is left staged")
		}
	})
}

// A connection that ends in the middle leaves nothing behind, nor does content that
// is refused.
func TestStaged_leavesNothing(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.envelope()
		c.send("a: b\r\n\r\n" + megabytes(3))
		if f.staged() != 1 {
			t.Error("3 MB are not staged")
		}
		_ = c.conn.Close()
		if f.staged() != 0 {
			t.Error("a connection that was lost leaves its content")
		}
		c = f.dial(Implicit, "192.0.2.1")
		c.login()
		c.envelope()
		c.send("a: b\r\n\r\n" + megabytes(3) + "nul\x00\r\n")
		if f.staged() != 0 {
			t.Error("content with a fault is kept until its end")
		}
		c.do(".", "550 5.6.0 NUL")
		_ = c.conn.Close()
		if f.charged() != (quota.Charge{}) {
			t.Errorf("charged %v", f.charged())
		}
	})
}

// On a disk that is nearly full the account that has most in the queue hears 452, and
// nothing is charged; with room it goes on, in the same session.
func TestStaged_mostInTheQueue(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	bubble(t, setup{free: free.Load}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.login()
		c.envelope()
		c.send("a: b\r\n\r\n" + megabytes(3) + ".\r\n")
		c.want("250 ")
		charged := f.charged()
		_, inFile := f.st.Size()
		free.Store(32<<20 + 2_000_000 - inFile)
		for _, size := range []int{0, 2} {
			c.envelope()
			c.send("a: b\r\n\r\n" + megabytes(size) + ".\r\n")
			c.want("452 4.3.1 little room is left, and this account has most in the queue: try again later")
		}
		if f.charged() != charged || f.staged() != 0 {
			t.Errorf("charged %v, before it was %v", f.charged(), charged)
		}
		free.Store(1 << 40)
		c.envelope()
		c.do("a: b\r\n\r\nx\r\n.", "250 ", "QUIT", "221 ")
	})
}
