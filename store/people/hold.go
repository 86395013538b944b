package people

import (
	"slices"
	"time"
)

// Holder says who holds a login.
type Holder string

// The holders. A hold is lifted by its holder, or by one that stands later in this list.
const (
	HeldByRelay    Holder = "relay" // it looks stolen
	HeldByCustomer Holder = "customer"
	HeldByReseller Holder = "reseller"
	HeldByOperator Holder = "operator"
)

var holders = []Holder{HeldByRelay, HeldByCustomer, HeldByReseller, HeldByOperator}

// MayLift reports whether h may end a hold of another one.
func (h Holder) MayLift(of Holder) bool {
	return slices.Index(holders, h) >= slices.Index(holders, of)
}

// LoginHold says since when a login is held, and why. It is part of its credential.
type LoginHold struct {
	Since  time.Time `json:"since"`
	Holder Holder    `json:"holder"`
	Reason string    `json:"reason,omitempty"` // in the holder's words; "": not said, or relay's hold
	Signs  *Signs    `json:"signs,omitempty"`  // what relay's hold follows from; nil: others
}

// Signs of a stolen login, all of which came together.
type Signs struct {
	Network    string `json:"network"`    // that is new, from which the mail came
	Failed     int    `json:"failed"`     // wrong passwords before
	Recipients int64  `json:"recipients"` // the sudden ones, with the message that was refused
	First      bool   `json:"first"`      // Recipients are those that the account never wrote to; else all
}
