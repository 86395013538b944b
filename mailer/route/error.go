package route

// Error says why there is no way to a domain.
type Error struct {
	Domain    string
	Permanent bool   // no later attempt will find one
	Confirm   bool   // Permanent, but only after it was found twice, minutes apart: NXDOMAIN may be an accident
	Status    string // "5.1.2", "4.4.3"
	Text      string // one line for people
	Err       error  // cause; may be nil
}

// Error is status, text and cause.
func (e *Error) Error() string {
	s := e.Status + " " + e.Text
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

func loop(domain string) *Error {
	return &Error{Domain: domain, Permanent: true, Status: "5.4.6", Text: "mail for " + domain + " would come back to this host"}
}

func private(domain string) *Error {
	return &Error{Domain: domain, Permanent: true, Status: "5.4.4", Text: "the mail hosts of " + domain + " have only private or reserved addresses"}
}
