package spool

// Complaint is what the mailer is told of one, so that the account's mail goes slower where it
// came from.
type Complaint struct {
	Account  string
	Provider string // name of the row of the provider that took the mail; "": not known
	Domain   string // of the recipient; "": not known
}

// complaintsKept is how many complaints wait for the mailer. Complaints beyond
// that slow nobody down, but are counted.
const complaintsKept = 1024

// Complaints are those that were counted, once they are on disk. A crash loses what waits.
func (s *Spool) Complaints() <-chan Complaint { return s.complaints }

// Complain tells the mailer of a complaint, when the transaction is on disk.
func (t *Tx) Complain(c Complaint) {
	t.OnCommit(func() {
		select {
		case t.s.complaints <- c:
		default:
		}
	})
}
