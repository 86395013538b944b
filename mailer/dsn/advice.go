package dsn

import "strings"

// advices tell the sender what to do, by the enhanced code without its class
// (RFC 3463), the longest prefix first.
var advices = []struct{ code, text string }{
	{"1.1.", "The address does not exist. Check it for typing errors; if it is right, ask the recipient in another way."},
	{"1.2.", "The part of the address behind the @ does not exist. Check it for typing errors."},
	{"1.10.", "The part of the address behind the @ does not take mail. Check it for typing errors."},
	{"1.3.", "The address is not written as an address has to be. Check it."},
	{"1.6.", "The recipient has moved. Ask for the new address."},
	{"1.7.", "The recipient's host does not like your own address. Check the sender that is set in your mail program."},
	{"1.8.", "The recipient's host does not know your own address. Check the sender that is set in your mail program."},
	{"2.1.", "The recipient's mailbox is not in use. Ask the recipient in another way."},
	{"2.2.", "The recipient's mailbox is full. Send it again later, or tell the recipient in another way."},
	{"2.3.", "The message is too large for the recipient. Send a smaller one, or a link to what is attached."},
	{"3.4.", "The message is too large for the recipient's host. Send a smaller one, or a link to what is attached."},
	{"4.6.", "The recipient's domain is set up so that its mail goes round in a circle. Tell its administrator."},
	{"4.7.", "Check the address. If it is right, the recipient's host may be out of order: send the message again later."},
	{"4.", "The recipient's host cannot be reached. Check the address; if it is right, send the message again later."},
	{"6.3.", "The recipient's host takes plain text only. Send the message without accents and special characters."},
	{"6.7.", "The recipient's host does not take addresses with such letters. Use another address, of yours or the recipient's."},
	{"6.9.", "The recipient's host does not take such letters in the subject or in names. Send it without them."},
	{"7.30.", "You asked for encryption all the way, which the recipient's host does not offer. Send it without that, if you may."},
	{"7.", "The recipient's host refuses the message by its own rules. What it says above may tell why; its administrator can help."},
}

// advice is what the sender can do about a failure.
func advice(r *Recipient) string {
	switch {
	case r.Dropped:
		return "Ask the operator why before you send it again."
	case !r.Suppressed.IsZero():
		return "Take the address off your list. If you know that it works, have its suppression lifted, and send the message again."
	}
	if _, code, ok := strings.Cut(r.status(), "."); ok {
		for _, a := range advices {
			if strings.HasPrefix(code+".", a.code) {
				return a.text
			}
		}
	}
	if r.Expired {
		return "Check the address; if it is right, send the message again later."
	}
	return "See what is said above, and check the address."
}
