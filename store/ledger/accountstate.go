package ledger

// AccountState says whether an account may send. Only Active may.
type AccountState string

const (
	Pending   AccountState = "pending"   // waits for its first payment
	Active    AccountState = "active"    // sends, until its term ends
	Suspended AccountState = "suspended" // stopped by the operator, see Reason, or by a rule, see Hold
	Closed    AccountState = "closed"    // ended for good
)
