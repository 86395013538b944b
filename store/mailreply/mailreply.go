// Package mailreply holds what relay makes of a next hop's reply to mail: the verdict of the
// rules, and the sample that is kept so that new rules can be written.
package mailreply

// Sample is a reply of a next hop without the addresses, names and ids in it.
type Sample struct {
	MX    string // host, the labels with digits masked
	Reply string // on one line, with its codes; "": nothing to keep
	Kind  string // likewise without numbers: replies of one kind are kept once
	Class string // what it meant
}

// Verdict is what a reply means, in the words of the rules that judged it. An older relay
// does not look at it.
type Verdict struct {
	Category string `json:"category" doc:"A label such as InvalidRecipient."`
	Blame    string `json:"blame" doc:"Who must act."`
	Rule     string `json:"rule,omitempty" doc:"Empty: no rule knew the reply."`
	Stage    string `json:"stage" doc:"What the next hop said it to."`
}
