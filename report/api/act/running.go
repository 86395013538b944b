package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"relay/store/spooled"
)

// Running has the parts of a running relay. Each may be nil.
type Running struct {
	Host       Host
	Bans       Bans
	Mail       Deliveries
	Submission Submission
	Stopping   <-chan struct{} // closed when the relay begins to stop; nil: never
}

// ErrStopping ends answers that last as long as the relay runs.
var ErrStopping = errors.New("the relay is stopping")

// While returns a context that also ends when the relay begins to stop, with ErrStopping
// as its cause.
func (r *Running) While(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-r.Stopping:
			cancel(ErrStopping)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Stopped returns why ctx has ended: the problem of a relay that stops, with hint, or
// ctx's own error; nil: it has not ended.
func Stopped(ctx context.Context, hint string) error {
	if errors.Is(context.Cause(ctx), ErrStopping) {
		return Fail(Unreachable, hint, "%w", ErrStopping)
	}
	return ctx.Err()
}

// Deliveries is the part of a relay that delivers mail.
type Deliveries interface {
	// Outlooks says what comes next for the mail at each of the places, in their order.
	Outlooks(context.Context, []Place) ([]Outlook, error)
	// Sites returns the state of the next hops of domains. Domains without a known state
	// are left out.
	Sites(ctx context.Context, domains []string) (map[string]Site, error)
	// AllSites returns the sites that had mail lately.
	AllSites(context.Context) ([]SiteState, error)
	// Explain says how an account's mail to a domain goes, and what holds it up.
	Explain(ctx context.Context, domain, account string) (*Way, error)
	// Probe looks at the way to a domain, stage by stage at each host, up to RCPT for an
	// address. It gives each step to done, and stops at done's first error.
	Probe(ctx context.Context, domain, address string, done func(*ProbeStep) error) error
	// Connections returns those to next hops; nil: the schedule did not answer in time.
	Connections(context.Context) *Connections
	// Overridden has the relay follow the overrides as they are stored now.
	Overridden(context.Context) error
	// SourceNames are the names of the configured sources; none where the system chooses.
	SourceNames() []string
	// SourceUse returns what is known of the sources of mail, by name.
	SourceUse(context.Context) (map[string]SourceUse, error)
	// SourcesChanged has what the store has of sources followed.
	SourcesChanged(context.Context) error
	// Retry tries the next hops of a domain again at once; "": all.
	Retry(domain string)
}

// Place is a message's mail to a domain.
type Place struct {
	ID   spooled.ID
	Lane spooled.Lane
}

// Outlook is what the relay knows of mail at a place.
type Outlook struct {
	InHand bool  // it is being delivered, or about to be
	Wait   *Wait // why mail that is due is not tried; nil: nothing holds it up
}

// Wait is why mail that is due is not tried.
type Wait struct {
	_ struct{} `nullable:"true"`

	Reason   string     `json:"reason" enum:"down,suspended,paused,lookup,pace,account,warm-up,source,site,connections,share,first,override,held" doc:"down: the next hop is left alone after failures. suspended: it told relay to stop for a time. paused: it breaks off mail of the account. lookup: it is being looked up. pace: as much is sent to it as its provider takes. account: likewise, of the account. warm-up: the source has sent today what its warm-up allows. source: none of the account's sources may be used. site: all connections allowed to it are in use. connections: all connections are in use. share: the account has its share of them. first: the account never wrote to the recipient, and has reached its daily limit of those. override: the operator has stopped it. held: its account is suspended."`
	Until    *time.Time `json:"until" doc:"When it is tried again; null: as soon as it can be."`
	Failures int        `json:"failures" doc:"In a row."`
	Why      string     `json:"why" doc:"The last failure."`
	Limit    int        `json:"limit" doc:"Connections allowed, where they are all in use; messages a minute, where the pace keeps it."`
}

// Site is what the relay knows of a next hop.
type Site struct {
	_ struct{} `nullable:"true"`

	Name        string     `json:"name"`
	Source      string     `json:"source" doc:"Name of the [[source]] that it is seen from; empty: the only one."`
	Connections int        `json:"connections"`
	Limit       int        `json:"limit"`
	Claimed     int        `json:"claimed"`    // messages that wait for a connection
	DownUntil   *time.Time `json:"down_until"` // null: it is not down
	Failures    int        `json:"failures"`   // in a row
	Why         string     `json:"why"`
}

// Connections to next hops, and whose mail they carry.
type Connections struct {
	_ struct{} `nullable:"true"`

	Limit    int      `json:"limit"`    // of all together
	InUse    int      `json:"in_use"`   // open, or being made
	Accounts []Holder `json:"accounts"` // the one with the most first
	Waiting  []string `json:"waiting"`  // accounts that have no connection for some of their mail: all are in use, or their share is
}

// Holder is an account that has connections.
type Holder struct {
	Account       string `json:"account"` // "": relay's own mail
	Connections   int    `json:"connections"`
	OldestSeconds int64  `json:"oldest_seconds"` // since the first attempt of them began
}

// Submission is the part of a relay that takes mail from customers.
type Submission interface {
	// Submit hands a message over as a customer's program does: it connects to a listener,
	// turns to TLS and logs in. It gives each step to done, and stops at done's first error.
	Submit(ctx context.Context, m *TrialMessage, done Steps) (spooled.ID, error)
}

// TrialMessage is a test message, with the login that sends it.
type TrialMessage struct {
	Account, Login, Secret string
	From, To               string
	Content                string
}

// TrialStep is one step of the way that a message takes.
type TrialStep struct {
	Step   string     `json:"step" doc:"Such as connect, login, accepted, delivered."`
	Status StepStatus `json:"status" enum:"ok,warning,failed"`
	Detail string     `json:"detail"`
	Advice string     `json:"advice" doc:"What to do; empty: nothing."`
	Time   time.Time  `json:"time"`

	Temporary bool `json:"-"` // it failed, but may succeed when it is tried again
}

// StepStatus is how a step went.
type StepStatus string

// How a step went.
const (
	StepOK      StepStatus = "ok"
	StepWarning StepStatus = "warning"
	StepFailed  StepStatus = "failed"
)

// Steps takes each step as soon as it is over. For a failed step it returns the problem.
type Steps func(*TrialStep) error

// Tell gives a step to s.
func (s Steps) Tell(step string, status StepStatus, advice, format string, args ...any) error {
	return s(&TrialStep{Step: step, Status: status, Detail: fmt.Sprintf(format, args...), Advice: advice})
}
