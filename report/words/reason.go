package words

// reasons are the categories of failures in a table of the command line, in two or three words;
// Failure has them in full.
var reasons = map[string]string{
	"InvalidRecipient":     "no such address",
	"BadDomain":            "domain takes no mail",
	"InactiveMailbox":      "mailbox closed",
	"QuotaIssues":          "mailbox full",
	"SpamBlock":            "our address blocked",
	"RateLimited":          "too much mail",
	"TooManyConnections":   "too many connections",
	"Greylisted":           "asked for later",
	"SpamContent":          "taken for spam",
	"VirusRelated":         "virus found",
	"ProhibitedAttachment": "size or attachment",
	"AuthenticationFailed": "domain not proven",
	"InvalidSender":        "sender not accepted",
	"PolicyRelated":        "receiver’s rules",
	"RelayDenied":          "wrong server",
	"RoutingErrors":        "not passed on",
	"DNSFailure":           "server not found",
	"BadConnection":        "connection broke",
	"NoAnswerFromHost":     "no answer",
	"ProtocolErrors":       "faulty answer",
	"MessageExpired":       "not in time",
	"Complaint":            "reported as spam",
	"Operator":             "operator stopped it",
	"Manual":               "suppressed by hand",
}

// Reason is what a category of refusals means, in two or three words: "no such address".
func Reason(category string) string {
	if r, ok := reasons[category]; ok {
		return r
	}
	return "refused"
}
