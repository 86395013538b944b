package metrics

import (
	"context"
	"time"

	"relay/report/jobs"
	"relay/store"
	"relay/store/meter"
)

// Patience is how long the schedule may take to answer a scrape.
const Patience = time.Second

// Relay is what a scrape asks. All of it must be quick.
type Relay struct {
	Version     string
	Store       *store.Store
	Jobs        func() ([]jobs.State, error)
	Intake      func() Intake
	Back        func() *Back // nil: nothing is taken that comes back
	Delivery    func(context.Context) Delivery
	Disk        func() (free, size int64) // of the store, in octets; size 0: it is not known
	Certificate func() time.Time          // when it expires; zero: there is none
}

// Intake is what comes in.
type Intake struct {
	Messages, Recipients, Octets int64
	Refusals                     map[string]int64 // by reply, "550 5.7.1"
	Connections, Limit, Waiting  int
}

// Back is what comes back.
type Back struct {
	Messages    map[string]int64 // by address
	Refusals    map[string]int64 // by reply
	Connections int
}

// Delivery is what goes out.
type Delivery struct {
	Outcomes []Outcome
	Latency  meter.Shape // nanoseconds
	Load     *Load       // nil: the schedule did not answer
}

// Outcome counts what became of attempts.
type Outcome struct {
	Provider string // name of its row; "": none was asked
	State    string
	Count    int64
}

// Load is what the schedule has in hand.
type Load struct {
	Connections, Limit, Waiting, Lanes int
	Open, Down, Stopped                int // sites
}
