package spool

// Complaint is what the mailer is told of a complaint, so that it sends the account's mail more slowly
// to the provider that it came from.
type Complaint struct {
	Account  string
	Provider string // name of the row of the provider that took the mail; "": not known
	Domain   string // of the recipient; "": not known
}

// complaintsKept is how many complaints may wait for the mailer. Those beyond that slow no mail; they
// are counted all the same.
const complaintsKept = 1024

// Complaints receives each complaint once it is counted on disk. A crash loses those that wait here.
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
