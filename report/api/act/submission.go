package act

import (
	"context"
	"fmt"
	"time"

	"relay/store"
)

// Submission is the part of a relay that takes mail from customers.
type Submission interface {
	// Submit hands a message over as a customer's program does: it connects to a listener,
	// turns to TLS and logs in. It ends with the error of done, which is given each step.
	Submit(ctx context.Context, m *TrialMessage, done Steps) (store.ID, error)
}

// TrialMessage is a message that is sent to see what becomes of it.
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

// Steps takes each step as soon as it is over. Of one that failed it returns the problem.
type Steps func(*TrialStep) error

// Tell makes the step.
func (s Steps) Tell(step string, status StepStatus, advice, format string, args ...any) error {
	return s(&TrialStep{Step: step, Status: status, Detail: fmt.Sprintf(format, args...), Advice: advice})
}
