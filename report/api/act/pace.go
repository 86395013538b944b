package act

import "time"

// SiteState is a site, how fast mail goes to it, and its last replies.
type SiteState struct {
	_ struct{} `nullable:"true"`

	Site
	Provider    string      `json:"provider" doc:"Name of its row, or route; empty: it has no hosts."`
	Row         Limits      `json:"row" doc:"What is used of what the provider takes."`
	Now         Pace        `json:"now"`
	Sent        int         `json:"sent" doc:"Messages in the last minute."`
	Suspended   *time.Time  `json:"suspended_until" doc:"It told relay to stop until then; null: it did not."`
	SlowedSince *time.Time  `json:"slowed_since" doc:"null: it goes at its row."`
	SlowedBy    string      `json:"slowed_by" doc:"The reply that slowed or stopped it."`
	Delivered   int64       `json:"delivered" doc:"Recipients, since relay knows the site."`
	Deferred    int64       `json:"deferred"`
	Failed      int64       `json:"failed"`
	Replies     []SiteReply `json:"replies" doc:"The last that were no success, the newest last."`
}

// Limits of one source at a site. null: no limit.
type Limits struct {
	Connections int  `json:"connections" doc:"At once."`
	Messages    *int `json:"messages_per_connection"`
	Rate        *int `json:"messages_per_minute"`
	Opens       *int `json:"connections_per_minute"`
	Recipients  *int `json:"recipients" doc:"In one transaction."`
}

// Pace is how fast mail may go now.
type Pace struct {
	Connections int      `json:"connections"`
	Rate        *float64 `json:"messages_per_minute" doc:"null: any number."`
}

// SiteReply is a reply of a site that was no success.
type SiteReply struct {
	Time     time.Time `json:"time"`
	Reply    string    `json:"reply"`
	Category string    `json:"category"`
	Slows    string    `json:"slows" doc:"What: site, source or account; empty: nothing."`
}

// Way is how an account's mail to a domain goes, and what holds it up.
type Way struct {
	Route    string     `json:"route" enum:"mx,smarthost,route" doc:"route: the domain has one of its own."`
	Hosts    []MailHost `json:"hosts" doc:"In the order in which they are tried."`
	Port     int        `json:"port"`
	TLS      string     `json:"tls" enum:"opportunistic,encrypt,starttls,implicit,none" doc:"What the route says."`
	MTASTS   *STSPolicy `json:"mta_sts" doc:"The domain's policy that is in force; null: none."`
	DNSSEC   bool       `json:"dnssec" doc:"It proved the domain's MX, so TLSA records count (DANE)."`
	Fault    string     `json:"fault" doc:"Why there is no way; empty: there is one."`
	Site     *SiteState `json:"site" doc:"null: there is no way."`
	Profile  string     `json:"profile" enum:"prudent,normal,full" doc:"Of the account."`
	Own      bool       `json:"own_profile" doc:"The account has it itself, not by the configuration."`
	Ceilings []Ceiling  `json:"ceilings"`
	Source   WaySource  `json:"source"`
	Wait     *Wait      `json:"wait" doc:"What keeps mail that is due now; null: nothing."`

	Overrides []Override `json:"overrides" doc:"Of the operator, in force for this mail."`
}

// MailHost is a next hop.
type MailHost struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	TLS       HostTLS  `json:"tls"`
}

// HostTLS is what TLS with a host must be.
type HostTLS struct {
	Level  string `json:"level" enum:"any,encrypted,verified" doc:"any: TLS where it is offered. verified: with a certificate that is the host's."`
	By     string `json:"by" enum:",dane,mta-sts,route" doc:"What asks for it; empty: nothing."`
	Barred string `json:"barred" doc:"Why mail may not go to the host; empty: it may."`
}

// STSPolicy is a domain's policy of MTA-STS (RFC 8461).
type STSPolicy struct {
	_ struct{} `nullable:"true"`

	Mode    string    `json:"mode" enum:"enforce,testing,none"`
	MX      []string  `json:"mx"`
	Fetched time.Time `json:"fetched"`
	Until   time.Time `json:"until" doc:"It holds until then, if it is not fetched anew before."`
}

// WaySource is where connections come from.
type WaySource struct {
	Name    string `json:"name" doc:"Of the [[source]]; empty: the system chooses."`
	Address string `json:"address" doc:"Empty: the system chooses, or mail goes through another server."`
	EHLO    string `json:"ehlo"`
	Pool    string `json:"pool" doc:"That it serves; empty: accounts without one."`
}

// DayCeiling is the limit of a warm-up.
type DayCeiling struct {
	_ struct{} `nullable:"true"`

	Sent  int `json:"sent" doc:"Messages to the provider since midnight UTC."`
	Limit int `json:"limit"`
	Day   int `json:"day" doc:"Days with mail to it."`
}

// Ceiling is one limit of how fast mail may go.
type Ceiling struct {
	Name  string      `json:"name" enum:"site,account,sources,warm-up" doc:"site: of relay's address there. account: of the account's mail there. sources: of all its addresses together. warm-up: of the address, for today; its rate is messages a day."`
	Row   Limits      `json:"row" doc:"At most."`
	Now   Pace        `json:"now"`
	Next  *time.Time  `json:"next" doc:"When a message may begin; null: now."`
	Since *time.Time  `json:"since" doc:"When it went below its row; null: it is at it."`
	Why   string      `json:"why" doc:"The reply that led there."`
	Day   *DayCeiling `json:"day" doc:"Of a warm-up, whose limit is of messages a day; null: of others."`
	Binds bool        `json:"binds" doc:"Of all ceilings it is the one that keeps mail, or would first."`
}

// ProbeStep is one step of a look at the way to an address.
type ProbeStep struct {
	Host   string     `json:"host" doc:"That it is about; empty: the domain."`
	Step   string     `json:"step" doc:"route, MTA-STS, DANE, connect, EHLO, TLS, MAIL or RCPT; policy: the host may not be used."`
	Status StepStatus `json:"status" enum:"ok,warning,failed"`
	Detail string     `json:"detail"`
	Time   time.Time  `json:"time"`

	Temporary bool `json:"-"` // it failed, but may succeed when it is tried again
}
