package backmail

import (
	"context"
	"net/netip"
	"time"

	"relay/store/bodies"
)

// Incoming is one e-mail to one of relay's own addresses, as it came in. The
// submission listener makes one too, of what a customer sends to test@ or errors@.
type Incoming struct {
	Remote    netip.AddrPort // the client
	Port      uint16         // of this machine on which it came in
	TLS       string         // version and cipher, as "TLS 1.3, TLS_AES_128_GCM_SHA256"; "": in clear
	Helo      string         // what the client said in EHLO or HELO
	Sender    string         // reverse-path; "" is the null one
	Recipient string         // forward-path
	Login     string         // of a customer; "": nobody logged in
	Account   string         // of the login, or of the client's network; "": none
	Received  time.Time      // UTC
	Size      int64          // octets of content as handed over
	Body      *bodies.Body   // the content, behind a Received field of ours; it is gone when the handler returns
}

// Handler does what an e-mail asks for. When it returns nil, what follows from the e-mail
// is on disk: only then the client sees 250. Every error is temporary to the client,
// store.ErrFull is 452.
type Handler func(context.Context, *Incoming) error
