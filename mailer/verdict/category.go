package verdict

import "slices"

// Class is what a reply means for the recipient.
type Class string

// The classes that a reply can have. A message can also expire, and a recipient can be
// suppressed, but no reply says so.
const (
	Delivered Class = "delivered"
	Deferred  Class = "deferred"
	Failed    Class = "failed"
)

// Category is a label that people know from other senders.
type Category string

// The categories of replies. A delivered reply has none ("").
const (
	InvalidRecipient     Category = "InvalidRecipient"
	BadDomain            Category = "BadDomain"
	InactiveMailbox      Category = "InactiveMailbox"
	QuotaIssues          Category = "QuotaIssues"
	SpamBlock            Category = "SpamBlock"
	RateLimited          Category = "RateLimited"
	TooManyConnections   Category = "TooManyConnections"
	Greylisted           Category = "Greylisted"
	SpamContent          Category = "SpamContent"
	VirusRelated         Category = "VirusRelated"
	ProhibitedAttachment Category = "ProhibitedAttachment"
	AuthenticationFailed Category = "AuthenticationFailed"
	InvalidSender        Category = "InvalidSender"
	PolicyRelated        Category = "PolicyRelated"
	RelayDenied          Category = "RelayDenied"
	RoutingErrors        Category = "RoutingErrors"
	DNSFailure           Category = "DNSFailure"
	BadConnection        Category = "BadConnection"
	NoAnswerFromHost     Category = "NoAnswerFromHost"
	ProtocolErrors       Category = "ProtocolErrors"
	MessageExpired       Category = "MessageExpired"
	Complaint            Category = "Complaint" // for reports of abuse; no reply has it
	Uncategorized        Category = "Uncategorized"
)

// Blame is the party that must act.
type Blame string

// The parties that must act. Pacing is nobody's fault: relay has to go slower.
const (
	OfRecipient Blame = "recipient"
	OfSource    Blame = "our source"
	OfPacing    Blame = "pacing"
	OfMessage   Blame = "message"
	OfDomain    Blame = "sender's domain"
	OfAccount   Blame = "account"
	OfHosts     Blame = "remote or us"
	OfUnknown   Blame = "unknown"
)

// Party is what has to go slower after a reply.
type Party string

// The parties; "" is nothing.
const (
	Site    Party = "site"    // the receiving hosts, for all accounts
	Source  Party = "source"  // the address that we send from, at that site
	Account Party = "account" // the account, at that provider
)

// again says whether another attempt makes sense.
type again int

const (
	byCode again = iota // a permanent code is believed
	always              // the reason will pass: try again even after a permanent code
)

// kind is the meaning of a category, unless a rule says otherwise.
type kind struct {
	blame Blame
	again again
	slows Party
}

// categories has the meaning of each. No reply is a Complaint.
var categories = map[Category]kind{
	InvalidRecipient:     {OfRecipient, byCode, ""},
	BadDomain:            {OfRecipient, byCode, ""},
	InactiveMailbox:      {OfRecipient, byCode, ""},
	QuotaIssues:          {OfRecipient, always, ""},
	SpamBlock:            {OfSource, always, Source},
	RateLimited:          {OfPacing, always, Site},
	TooManyConnections:   {OfPacing, always, Site},
	Greylisted:           {OfPacing, always, ""},
	SpamContent:          {OfMessage, byCode, Account},
	VirusRelated:         {OfMessage, byCode, Account},
	ProhibitedAttachment: {OfMessage, byCode, ""},
	AuthenticationFailed: {OfDomain, byCode, Account},
	InvalidSender:        {OfDomain, byCode, ""},
	PolicyRelated:        {OfUnknown, byCode, ""},
	RelayDenied:          {OfHosts, always, ""},
	RoutingErrors:        {OfHosts, always, ""},
	DNSFailure:           {OfHosts, always, ""},
	BadConnection:        {OfHosts, always, ""},
	NoAnswerFromHost:     {OfHosts, always, ""},
	ProtocolErrors:       {OfHosts, always, ""},
	MessageExpired:       {OfUnknown, byCode, ""},
	Uncategorized:        {OfUnknown, byCode, ""},
}

// Blame is the party that must act on a category, unless a rule says otherwise.
func (c Category) Blame() Blame { return categories[c].blame }

// Categories returns all labels that a reply can get, in alphabetical order.
func Categories() []Category {
	list := make([]Category, 0, len(categories))
	for c := range categories {
		list = append(list, c)
	}
	slices.Sort(list)
	return list
}

var (
	blames  = []Blame{OfRecipient, OfSource, OfPacing, OfMessage, OfDomain, OfAccount, OfHosts, OfUnknown}
	parties = []Party{Site, Source, Account}
)

// ofRecipient reports whether a category blames the recipient, so that it cannot be known
// before RCPT.
func (c Category) ofRecipient() bool { return categories[c].blame == OfRecipient }
