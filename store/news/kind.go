package news

// Kind is what news is of. The template of its mail has the same name.
type Kind string

// The kinds of news.
const (
	Usage Kind = "usage" // another tenth of the allowance is used
	Daily Kind = "daily" // a day's use, for those that asked for it

	Near        Kind = "near"         // the allowance is nearly used
	Reached     Kind = "reached"      // nothing of it is left
	Overage     Kind = "overage"      // overage has begun
	OverageStep Kind = "overage-step" // another tenth of its ceiling, or else of the allowance
	Ceiling     Kind = "ceiling"      // its ceiling is reached

	Warned    Kind = "warned"           // too much comes back of its mail
	Desk      Kind = "complaint-answer" // to an abuse desk, About
	Suspended Kind = "suspended"
	Resumed   Kind = "resumed"
	LoginHeld Kind = "login-held" // a login may not send, About
	Access    Kind = "access"     // logins were used from new networks

	AccessDaily Kind = "access-daily" // from where logins were used on the days until About

	Month Kind = "month" // a period's report

	Order    Kind = "order"
	Invoice  Kind = "invoice"
	Receipt  Kind = "receipt"
	Overdue  Kind = "overdue"
	Reversal Kind = "reversal"

	Refund     Kind = "refund"     // money was paid back
	Correction Kind = "correction" // the balance was corrected by hand
	Credit     Kind = "credit"     // credit was given, beside an order

	Ending Kind = "ending" // a term ends
	Ended  Kind = "ended"

	Domain Kind = "domain" // a sending domain is broken
	Held   Kind = "held"   // mail is held at a provider, About
	Slowed Kind = "slowed" // mail goes slower at a provider, About
	Waits  Kind = "waits"  // first sendings wait for more than a day

	Test   Kind = "test"   // an answer to test@: how that mail came in
	Errors Kind = "errors" // an answer to errors@: the list of errors

	Digest    Kind = "digest" // the operator's
	Source    Kind = "source"
	FailedJob Kind = "failed-job"
)

// classes is the number of classes of news. Those of a lower one are told first: the turn
// of a month makes a report for every account, and what a limit does is told before them.
const classes byte = 2

// Bulk reports whether mails of a kind may come in thousands at a time, and wait for others.
func (k Kind) Bulk() bool { return k.class() > 0 }

func (k Kind) class() byte {
	switch k {
	case Usage, Daily, AccessDaily, Month, Digest:
		return 1
	}
	return 0
}

// recall is how a kind is kept from being told twice.
type recall int

const (
	rememberNone recall = iota // it may come again, as a second hold; or the daily look remembers it
	rememberLast               // the last About and Step of the account
	rememberWeek               // each About, for a week
)

func (k Kind) recall() recall {
	switch k {
	case Reached, Overage, Ceiling, Month:
		return rememberLast
	case Slowed:
		return rememberWeek
	}
	return rememberNone
}
