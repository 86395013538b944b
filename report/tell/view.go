package tell

import (
	"slices"
	"time"

	"relay/report/letter/wording"
	"relay/report/words"
)

// View is what a template may say. All kinds of mail have the same one; what a kind is not
// about is zero. Times are in the operator's zone.
type View struct {
	Language words.Language // of the reader

	Kind   string
	About  string    // what in particular: a provider, a domain, a job
	Since  time.Time // when it happened
	Until  time.Time // how long it lasts; zero: not said
	Reason string    // a code: of suspended "unpaid", "abuse" or "", of held "unknown", "complaints" or "blame"
	Why    string    // in words that others wrote: a reply, a reason, an error

	Seller    string // who sells the service, else Host
	Host      string // where the mail is handed over
	Contact   string // where questions go; "": not said
	Resold    bool   // a reseller sells it: nothing is said of prices
	Owner     bool   // the operator reads it
	Choosable bool   // the account may choose not to get it

	UpgradeLink string // web addresses, filled in; "": none
	ChoiceLink  string
	RenewLink   string
	RenewText   []string // lines on how to renew
	AccessLink  string   // where the customer sees and revokes its logins; "": nowhere
	Guides      string   // web address of the guides in this language, without a slash at its end; "": none

	Account   Account
	Suspended bool // the account is, now
	Warned    bool // of complaint-answer: it was
	Closed    bool // for good
	Plan      Plan
	Limit     Limit
	Use       Use
	Before    Use // the period before; Period "": there was none
	Over      Over
	Forecast  Forecast
	Today     Day    // of daily: the day that it tells of
	ChartAlt  string // what the picture shows; "": there is none

	Failures  []Failure
	Providers []Provider
	Remarks   []Remark
	Logins    []Login

	Held       HeldLogin
	Access     []NewAccess // of access: first uses from new networks; of access-daily: last uses from each address
	AccessMore int64       // that Access has no room for

	Errors         []Error // the last ones
	ErrorCount     int64   // all
	ErrorsAttached int64

	Term    Term
	Invoice Invoice
	Payment Payment
	Balance wording.Amount // that the account has to its credit, after a payment or correction
	Owed    wording.Amount // that it owes, likewise
	Granted Credit         // of credit
	Waits   Waits
	Signs   Signs // of warned and suspended; N 0: none
	Domain  Domain
	Source  Source
	Digest  Digest
	Test    Test
}

// Account of the customer.
type Account struct {
	Name      string
	Reference string // the customer's own text; "": none
	State     string // why it is suspended, in the operator's words; "": not said
}

// Units are an amount of credit or overage.
type Units struct {
	N     int64
	Bytes bool // octets; else e-mails
}

// Plan is what the account has bought.
type Plan struct {
	Name      string
	Emails    int64 // a period; 0: no limit
	Bandwidth int64 // octets a period; 0: no limit
	Days30    bool  // a term of 30 days, else a year with months
}

// Limit is what happens at the limit, and what can be chosen.
type Limit struct {
	Continues   bool      // mail goes on as overage
	CanContinue bool      // the plan leaves that choice
	TopUp       bool      // e-mails can be bought on top
	Renewed     time.Time // when the next allowance begins; zero: none follows
}

// Use of a period.
type Use struct {
	Period  string // its key, for month
	LastDay time.Time

	Emails, EmailsMax int64 // max: what is allowed in this period, which may have a share of the plan's
	Bytes, BytesMax   int64

	EmailsPercent, BytesPercent int // -1: there is no limit

	Part, Whole int64 // of the limit that is nearer

	Weight int64 // octets of an e-mail on average
	Heavy  bool  // above 100 KB

	Delivered, Deferred, Queued, Failed int64

	Bounced, Complained int64 // of Delivered: came back later, were reported as spam

	Credits []Credit
}

// Credit that is left.
type Credit struct {
	Left    Units
	LastDay time.Time
}

// Over is the overage of the period.
type Over struct {
	Amount  Units
	Ceiling Units          // N 0: there is none, or none is allowed
	Endless bool           // there is none
	Percent int            // of Ceiling
	Cost    wording.Amount // as it would be settled now, with tax; 0: it is not sold, or not told
}

// Forecast says when the allowance runs out.
type Forecast struct {
	RunsOut               bool
	Range                 bool // Earliest and Latest are different days
	Open                  bool // it may as well last until the end: Latest is the period's last day
	Day, Earliest, Latest time.Time
	Lasts                 bool // until the end of the period
}

// Day of mail.
type Day struct {
	Day           string // 2026-11-29
	Emails, Bytes int64
}

// Failure is a reason for which mail failed.
type Failure struct {
	Category      string // for failure and remedy
	Count, Before int64
}

// Provider that mail went to.
type Provider struct {
	Name                        string
	Delivered, Deferred, Failed int64
}

// Remark on how the account sends, for remark.
type Remark struct {
	Kind, Domain, Policy string
	Count                int64
}

// Login of the account.
type Login struct {
	Name   string
	Last   time.Time
	Places []string
}

// NewAccess is a use of a login that is told.
type NewAccess struct {
	Login   string
	At      time.Time
	Address string // IPv4 address or IPv6 /64
	Network string // around it
	Program string // by its own words; "": it did not say
	New     bool   // of access-daily: the network was new to the account
}

// HeldLogin is a login that may not send. What follows Stolen is zero where it is false.
type HeldLogin struct {
	Login      string
	Stolen     bool // relay stopped it
	Network    string
	Failed     int64
	Recipients int64
	First      bool // the account never wrote to them
}

// Error is a recipient that mail failed for.
type Error struct {
	Recipient string
	Category  string
	Count     int64
	Last      time.Time
	Advice    string // for advice
}

// Term that runs, or ran last.
type Term struct {
	Running bool
	LastDay time.Time
	Days    int64 // before it
	Credit  Units // that is lost with it
	Sold    bool  // the plan is
	Price   wording.Amount
	TaxRate string // that is in Price; "": none
	Days30  bool
}

// Invoice or credit note.
type Invoice struct {
	Number       string // "": there is none
	Credit       bool   // it is a credit note
	For          string // what it is for
	Total, Paid  wording.Amount
	Left         wording.Amount // to be paid
	Due          time.Time      // zero: not said
	Late         bool           // Due is over
	Suspends     time.Time      // when the account is suspended for it; zero: never, or it is
	Expires      time.Time      // when the order lapses; zero: never
	Instructions []string       // lines on how to pay
	Link         string         // where; "": nowhere
}

// Payment that came in, was taken back or paid back; or a correction.
type Payment struct {
	Amount    wording.Amount
	Less      bool     // of a correction: the account has less, or owes more
	Reference string   // of the bank or the card processor
	Also      []string // further invoices that it names
}

// Waits is mail that waits for the daily limit of first sendings.
type Waits struct {
	Recipients int64
	Cap        int64 // a day, now
	LastDay    time.Time
}

// Signs are what came back of an account's mail.
type Signs struct {
	Sign         string // "complaint", "bounce" or "listed"
	Window       string // in which they were counted: "day" or "week"
	N, Of        int64  // of so many e-mails
	Count, Share int64  // the limit: a number, and a share in millionths
	SuspendCount int64  // the one at which the account is suspended; 0: it is, or never will be for that
	SuspendShare int64
	Places       string // "Google 12, Yahoo 3"; "": not known
}

// Domain that mail is sent from.
type Domain struct {
	SPF, DKIM bool     // it has lost it
	Missing   string   // "SPF, DKIM"
	Records   []string // to be published, as lines of a zone
}

// Source of outgoing mail.
type Source struct {
	Name    string
	Gone    string // why the address cannot be used; "": it can
	Lists   []List // new entries of blocklists
	Drained bool   // other sources take its mail, as far as there are any
	Culprit string // account whose mail stays with the source; "": none is known
}

// HasPage reports whether a list has a page.
func (s Source) HasPage() bool {
	return slices.ContainsFunc(s.Lists, func(l List) bool { return l.Lookup != "" })
}

// List is an entry of a blocklist.
type List struct {
	List   string
	Text   string // why, in its words
	Lookup string // page that says more; "": none is known
}
