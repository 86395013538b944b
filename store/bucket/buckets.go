// Package bucket names the buckets of the store, and says how the keys in each are made.
package bucket

import "relay/store/engine"

// Buckets. Their order is not stored, their names are.
const (
	Meta        engine.Bucket = iota // "schema", "totals", "clock", "storable", "invoice", "prefix", "currency", "prices", "split"
	Accounts                         // name
	Credentials                      // login
	Networks                         // prefix
	Plans                            // name
	Usage                            // account NUL period: what it was charged; account NUL period NUL: what became of that mail
	Messages                         // id
	Bodies                           // id, chunk (4 octets, big endian)
	Orphans                          // id of a body that has no message
	Queue                            // lane, due (8), id: recipients that wait there (uvarint)
	Due                              // due (8), lane: the head of each lane
	Trace                            // id, microseconds (8), number (2)
	Jobs                             // name
	Ledger                           // account NUL number (8)
	Invoices                         // number (8)
	Payments                         // method NUL reference
	Billed                           // account NUL number (8): its invoices
	BilledTo                         // customer NUL number (8): the invoices of accounts that were its own then
	BilledBelow                      // reseller NUL number (8): those of accounts that were below it then
	Owed                             // account NUL number (8): the open ones
	Dunning                          // when it suspends or, an order, expires (8), number (8)
	Closing                          // period's end (8), account: its first open period
	Customers                        // name
	Resellers                        // name
	AccountsOf                       // customer NUL account
	Below                            // reseller NUL account
	LoginsOf                         // account NUL login
	NetworksOf                       // account NUL prefix
	Places                           // login
	Claims                           // id, domain: a claim that is open, see spooled.Claim
	Dsns                             // due (8), id of the message whose sender is to be told
	DsnHours                         // account: the DSNs of its open hour
	Domains                          // account NUL domain that it signs for
	SigningKeys                      // selector
	TLSPolicies                      // domain: its policy of MTA-STS
	TLSDays                          // day (YYYYMMDD), domain: how TLS went, see sites.TLSDay
	Paces                            // see sites.PaceEntry
	Heard                            // hash: a kind of reply, see sites.ReplyKind
	HeardOrder                       // number (8): hash
	Remarks                          // account NUL day NUL kind NUL domain, see remark.Remark
	Records                          // account, see strangers.Record
	Known                            // account NUL least hash: recipients that it wrote to, see package known
	Waiting                          // account NUL id, domain: recipients that wait for the cap of first sendings
	Chores                           // kind NUL account NUL provider, see chores.Chore
	Overrides                        // number (8)
	Suppressed                       // account NUL mailbox
	Tallies                          // account NUL domain NUL provider NUL day
	Dialogues                        // id, microseconds (8), domain
	StrikesOf                        // account NUL mailbox: refusals that do not suppress it yet
	Sources                          // name: see egress.SourceState
	Blocklists                       // name: see egress.ListState
	NewsOf                           // account NUL kind NUL about, see news.Item
	NewsDue                          // class (1), due (8), key in NewsOf
	ToldOf                           // account NUL kind [NUL about], see package news
	ErrorsOf                         // account NUL mailbox: see refusals.Entry
	ErrorTimes                       // account NUL last (8), mailbox
	ErrorCounts                      // account: entries of its list of errors
	DaysOf                           // account NUL day NUL period: see outcomes.Day
	SignsOf                          // account: what speaks against it, see signs.Record
	StopsOf                          // account: since when its mail is kept, see spooled.Stop
	Parked                           // account NUL domain: lanes of stopped accounts
	SentOpen                         // number (8): see package delivered
	SentRuns                         // run (4), hash (8), number (4): likewise
	SentIndexOf                      // number of a run (4): likewise
	SentNames                        // letter, name or number: see store/delivered/names.go
	ReturnsOf                        // kind (1), id, what (6): what came back, see store/return_mark.go
	AccessOf                         // login: see access.Uses
	MailHolds                        // account NUL login: see store/spool/held_mail.go
	HeldMail                         // account NUL login NUL id, domain: mail that is held with its login
)

// Names of the buckets in the file.
var Names = []string{"meta", "accounts", "credentials", "networks", "plans", "usage",
	"messages", "bodies", "orphans", "queue", "due", "trace", "jobs",
	"ledger", "invoices", "payments", "billed", "billed-to", "billed-below", "owed", "dunning", "closing", "customers", "resellers",
	"accounts-of", "below", "logins-of", "networks-of", "places", "claims", "dsns", "dsn-hours", "domains", "signing-keys", "tls-policies", "tls-days", "paces", "heard", "heard-order", "remarks",
	"records", "known", "waiting", "chores", "overrides", "suppressions", "tallies", "dialogues", "strikes", "sources", "blocklists",
	"news", "news-due", "told", "errors", "errors-by-time", "error-counts", "days", "signs", "stops", "parked",
	"sent-open", "sent-runs", "sent-index", "sent-names", "returns", "access", "mail-holds", "held-mail"}
