package returned

import "strings"

// sayings are words that mean a lasting failure where no code is given, in lower case, and the
// status that they stand for. The first that is found counts.
var sayings = []struct{ words, status string }{
	{"user unknown", "5.1.1"}, {"unknown user", "5.1.1"}, {"no such user", "5.1.1"}, {"user not found", "5.1.1"},
	{"recipient not found", "5.1.1"}, {"recipient unknown", "5.1.1"}, {"unknown recipient", "5.1.1"},
	{"no mailbox here by that name", "5.1.1"}, {"no such mailbox", "5.1.1"}, {"mailbox not found", "5.1.1"},
	{"mailbox does not exist", "5.1.1"}, {"account does not exist", "5.1.1"}, {"doesn't have a", "5.1.1"},
	{"not listed in public name", "5.1.1"}, {"not listed in domino directory", "5.1.1"}, {"not unique in domino directory", "5.1.4"},
	{"recipient name is not recognized", "5.1.1"}, {"unrouteable address", "5.1.2"}, {"unroutable address", "5.1.2"},
	{"couldn't find any host named", "5.1.2"}, {"host unknown", "5.1.2"}, {"domain not found", "5.1.2"}, {"domain name not found", "5.1.2"}, {"host or domain name not found", "5.1.2"},
	{"account is disabled", "5.2.1"}, {"mailbox disabled", "5.2.1"}, {"account has been disabled", "5.2.1"}, {"mailbox unavailable", "5.2.1"},
	{"mailbox full", "5.2.2"}, {"mailbox is full", "5.2.2"}, {"over quota", "5.2.2"}, {"quota exceeded", "5.2.2"},
	{"exceeds allowed size", "5.2.2"}, {"mailbox exceeds", "5.2.2"}, {"user's disk quota", "5.2.2"},
	{"mail size limit exceeded", "5.3.4"}, {"message size exceeds", "5.3.4"}, {"too large", "5.3.4"},
	{"address rejected", "5.1.1"}, {"empfänger unbekannt", "5.1.1"}, {"unbekannter empfänger", "5.1.1"}, {"nicht gefunden", "5.1.1"},
	{"destinatario sconosciuto", "5.1.1"}, {"utente sconosciuto", "5.1.1"}, {"destinataire inconnu", "5.1.1"}, {"utilisateur inconnu", "5.1.1"},
	{"destinatario desconocido", "5.1.1"}, {"usuario desconocido", "5.1.1"},
	{"e-mail account does not exist", "5.1.1"}, {"email account does not exist", "5.1.1"}, {"address couldn't be found", "5.1.1"}, {"address wasn't found", "5.1.1"},
	{"address you entered couldn't be found", "5.1.1"}, {"loops back to myself", "5.4.6"}, {"too many hops", "5.4.6"}, {"mail loop", "5.4.6"},
	{"blocked by our spam", "5.7.1"}, {"blocked by our bulk", "5.7.1"}, {"rejected as spam", "5.7.1"}, {"relaying denied", "5.7.1"},
}

// passing are words of a failure that is not the recipient's: they win over the sayings.
var passing = []string{
	"timed out", "timeout", "retry time", "connection refused", "could not connect", "try again later", "temporarily", "greylist",
	"too long in the queue", "in the queue too long", "delivery time expired", "retry timeout", "no route to host",
}

// known returns the status that a text without codes stands for; "": none is known.
func known(s string) string {
	s = strings.ToLower(s)
	for _, p := range passing {
		if strings.Contains(s, p) {
			return ""
		}
	}
	for _, k := range sayings {
		if strings.Contains(s, k.words) {
			return k.status
		}
	}
	return ""
}
