package store

// NewsKind is what news is of. The template of its mail has the same name.
type NewsKind string

// The kinds of news.
const (
	NewsUsage NewsKind = "usage" // another tenth of the allowance is used
	NewsDaily NewsKind = "daily" // a day's use, for those that asked for it

	NewsNear        NewsKind = "near"         // the allowance is nearly used
	NewsReached     NewsKind = "reached"      // nothing of it is left
	NewsOverage     NewsKind = "overage"      // overage has begun
	NewsOverageStep NewsKind = "overage-step" // another tenth of its ceiling, or else of the allowance
	NewsCeiling     NewsKind = "ceiling"      // its ceiling is reached

	NewsSuspended NewsKind = "suspended"
	NewsResumed   NewsKind = "resumed"

	NewsMonth NewsKind = "month" // a period's report

	NewsOrder    NewsKind = "order"
	NewsInvoice  NewsKind = "invoice"
	NewsReceipt  NewsKind = "receipt"
	NewsOverdue  NewsKind = "overdue"
	NewsReversal NewsKind = "reversal"

	NewsEnding NewsKind = "ending" // a term ends
	NewsEnded  NewsKind = "ended"

	NewsDomain NewsKind = "domain" // a sending domain is broken
	NewsHeld   NewsKind = "held"   // mail is held at a provider, About
	NewsSlowed NewsKind = "slowed" // mail goes slower at a provider, About
	NewsWaits  NewsKind = "waits"  // first sendings wait for more than a day

	NewsDigest    NewsKind = "digest" // the operator's
	NewsSource    NewsKind = "source"
	NewsFailedJob NewsKind = "failed-job"
)

// newsClasses is the number of classes of news. Those of a lower one are told first: the turn
// of a month makes a report for every account, and what a limit does is told before them.
const newsClasses byte = 2

// Bulk reports whether mails of a kind may come in thousands at a time, and wait for others.
func (k NewsKind) Bulk() bool { return k.class() > 0 }

func (k NewsKind) class() byte {
	switch k {
	case NewsUsage, NewsDaily, NewsMonth, NewsDigest:
		return 1
	}
	return 0
}

// recall is how a kind is kept from being told twice.
type recall int

const (
	rememberNone recall = iota // it may come again, as a second hold; or the look remembers it, see lookMark
	rememberLast               // the last About and Step of the account
	rememberWeek               // each About, for a week
)

func (k NewsKind) recall() recall {
	switch k {
	case NewsReached, NewsOverage, NewsCeiling, NewsMonth:
		return rememberLast
	case NewsSlowed:
		return rememberWeek
	}
	return rememberNone
}

// note is what the trace says of a mail of that kind.
func (k NewsKind) note() EventNote {
	switch k {
	case NewsWaits:
		return NoteWaits
	case NewsHeld:
		return NoteHeld
	case NewsEnding:
		return NoteEnding
	case NewsDigest, NewsSource, NewsFailedJob:
		return NoteOperator
	}
	return NoteNews + EventNote(k)
}
