package client

// Notify are the DSN conditions of a recipient (RFC 3461 §4.1), with the bits
// of spooled.Notify; zero: none was asked for.
type Notify uint8

const (
	NotifyNever Notify = 1 << iota
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

// Envelope is one transaction. Addresses are as on the wire, without brackets.
type Envelope struct {
	Sender     string // reverse-path; "" is the null reverse-path
	Size       int64  // octets of content; 0: not known
	EightBit   bool   // the content has octets above 127
	SMTPUTF8   bool   // the submitter asked for SMTPUTF8; non-ASCII addresses need it anyway
	RequireTLS bool   // RFC 8689
	Ret        string // FULL, HDRS or ""
	EnvID      string // decoded; "" none
	Whole      bool   // all or none: nothing is sent unless every recipient was accepted
	Rcpts      []Rcpt
}

// Rcpt is one recipient of an Envelope.
type Rcpt struct {
	Address string
	Domain  string // of Address in A-labels, for hosts without SMTPUTF8; "": as in Address
	Notify  Notify
	ORCPT   string // "rfc822;user@example", decoded; "" none
}
