package sandbox

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/cli/proof"
	"relay/mailer/client"
	"relay/store"
	"relay/store/spooled"
	"relay/store/standing"
	"relay/store/trace"
)

// The sandbox's account, its plan and the addresses of its mail.
const (
	demoAccount   = "demo"
	demoPlan      = "entry"
	demoSender    = "me@demo.example"
	demoContact   = "owner@demo.example" // receives the letters about the account
	demoRecipient = "you@example.org"
)

const demoMessage = "From: Me <" + demoSender + ">\r\nTo: You <" + demoRecipient + ">\r\nSubject: First message\r\n\r\n" +
	"This message was handed over with TLS and a login, charged, stored and\r\ndelivered, to a sink on this machine.\r\n"

// login is what a mail program needs to log in.
type login struct{ name, password string }

// journey is the way of one message, as the store records it.
type journey struct {
	id            spooled.ID
	events        []trace.Event
	before, after standing.Usage
}

const firstAdvice = "run it with --verbose to see the relay's log"

// firstMessage sends a message through the listener and returns when it has arrived at
// the sink.
func (s *sandbox) firstMessage(ctx context.Context) (j journey, err error) {
	if j.before, err = s.used(); err != nil {
		return j, err
	}
	if j.id, err = s.submit(ctx, demoSender, []string{demoRecipient}, demoMessage); err != nil {
		return j, exit.Fail(exit.Failed, firstAdvice, "send the first message: %w", err)
	}
	if j.events, err = s.follow(ctx, j.id); err != nil {
		return j, err
	}
	j.after, err = s.used()
	return j, err
}

// addAccount adds the account as an operator would at that time, and pays its first
// invoice.
func (s *sandbox) addAccount(ctx context.Context, at time.Time, atLimit string) error {
	st, err := s.openStore(func() time.Time { return at })
	if err != nil {
		return err
	}
	return errors.Join(s.sell(ctx, st, atLimit), st.Close())
}

// openStore opens the store while the relay does not run.
func (s *sandbox) openStore(now func() time.Time) (*store.Store, error) {
	return proof.OpenStore(s.dir.Store(), store.Options{Now: now, Zone: s.cfg.Zone(), Log: s.relay.Log, Billing: s.cfg.Billing.Store()})
}

// used is the account's usage so far.
func (s *sandbox) used() (standing.Usage, error) {
	use, err := s.store.Standings.Use(demoAccount)
	return use.Usage, err
}

// submit sends a message as a mail program does, and returns the ID that the relay gave
// it.
func (s *sandbox) submit(ctx context.Context, from string, to []string, message string) (id spooled.ID, err error) {
	trust, err := s.trust()
	if err != nil {
		return id, err
	}
	conn, err := net.Dial("tcp", s.starttls.Addr().String())
	if err != nil {
		return id, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, err := client.New(conn, client.Options{Hostname: "localhost", ServerName: "localhost", TLS: client.TLSRequired, TLSConfig: trust,
		Auth: &client.Auth{Username: s.account.name, Password: s.account.password}})
	if err != nil {
		return id, err
	}
	defer c.Quit()
	env := client.Envelope{Sender: from, Size: int64(len(message))}
	for _, address := range to {
		env.Rcpts = append(env.Rcpts, client.Rcpt{Address: address})
	}
	res := c.Deliver(&env, strings.NewReader(message))
	if res.Err != nil {
		return id, res.Err
	}
	reply := res.Rcpts[0].Reply
	if !reply.Delivered() {
		return id, errors.New(reply.String())
	}
	words := strings.Fields(reply.Text) // queued as ID
	return spooled.ParseID(words[len(words)-1])
}

// patienceFirst is how long the first message may take to arrive.
const patienceFirst = 30 * time.Second

// follow waits until the message has arrived, and returns its events.
func (s *sandbox) follow(ctx context.Context, id spooled.ID) ([]trace.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, patienceFirst)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		events, err := s.store.Trace.Of(id)
		if err != nil || delivered(events) {
			return events, err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, exit.Fail(exit.Failed, firstAdvice, "the first message did not arrive within %s", patienceFirst)
			}
			return nil, ctx.Err()
		case <-look.C:
		}
	}
}

func delivered(events []trace.Event) bool {
	last := events[max(len(events)-1, 0):]
	return len(last) == 1 && last[0].Kind == trace.EventAttempt && last[0].Recipients[0].State == spooled.Delivered
}

// poolOf reads the certificates in a file.
func poolOf(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return pool, nil
}
