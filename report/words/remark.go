package words

import "fmt"

// Remark says what receivers will hold against mail of an account from a domain. Kinds are
// those of the service.
func Remark(kind, domain, policy string, count int64) string {
	messages := Plural(count, "message")
	from := domain
	if domain == "" {
		from = "further domains"
	}
	switch kind {
	case "unsigned":
		return fmt.Sprintf("%s from %s: nothing proves that they are from there, so %s", messages, from, unproved(policy))
	case "spf-only":
		return fmt.Sprintf("%s from %s: only SPF proves where they are from, so GMX and web.de take none, and forwarded ones fail", messages, from)
	case "freemail":
		return fmt.Sprintf("%s from %s: receivers refuse or hide what %s itself did not send", messages, from, from)
	case "bulk":
		return fmt.Sprintf("%s from %s: one subject went to many, without a way to unsubscribe by one click", messages, from)
	case "volume":
		return fmt.Sprintf("%s from %s to Gmail: from 5,000 a day on it takes the domain for a bulk sender, for good", Plural(count, "e-mail"), from)
	}
	return fmt.Sprintf("%s from %s: %s", messages, from, kind)
}

// unproved says what becomes of mail that nothing proves.
func unproved(policy string) string {
	switch policy {
	case "reject":
		return "receivers refuse them, as the domain asks (p=reject)"
	case "quarantine":
		return "receivers treat them as suspicious, as the domain asks (p=quarantine)"
	}
	return "large receivers refuse or hide them"
}
