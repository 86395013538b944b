package words

import "fmt"

// Remark says what receivers will hold against mail of an account from a domain. Kinds are
// those of the service.
func (l Language) Remark(kind, domain, policy string, count int64) string {
	from := domain
	if domain == "" {
		from = l.pick("further domains", "weiteren Domains", "altri domini")
	}
	messages := l.Plural(count, l.pick("message", "Nachricht", "messaggio"), l.pick("messages", "Nachrichten", "messaggi"))
	messages += l.pick(" from ", " von ", " da ") + from
	switch kind {
	case "unsigned":
		return messages + l.pick(": nothing proves that they are from there, so ", ": Nichts beweist, dass sie von dort stammen; ", ": nulla dimostra che provengano da lì; ") + l.unproved(policy)
	case "spf-only":
		return messages + l.pick(": only SPF proves where they are from, so GMX and web.de take none, and forwarded ones fail",
			": Nur SPF beweist ihre Herkunft, daher nehmen GMX und web.de keine an, und weitergeleitete scheitern",
			": solo SPF ne dimostra la provenienza, perciò GMX e web.de non ne accettano, e quelli inoltrati falliscono")
	case "freemail":
		return messages + fmt.Sprintf(l.pick(": receivers refuse or hide what %s itself did not send",
			": Empfänger lehnen ab oder verstecken, was %s nicht selbst gesendet hat",
			": i destinatari rifiutano o nascondono ciò che %s non ha inviato direttamente"), from)
	case "bulk":
		return messages + l.pick(": one subject went to many, without a way to unsubscribe by one click",
			": Ein Betreff ging an viele, ohne Abmeldung mit einem Klick",
			": lo stesso oggetto è andato a molti, senza modo di disiscriversi con un clic")
	case "volume":
		return l.Plural(count, l.pick("e-mail", "E-Mail", "e-mail"), l.pick("e-mails", "E-Mails", "e-mail")) +
			fmt.Sprintf(l.pick(" from %s to Gmail: from 5,000 a day on it takes the domain for a bulk sender, for good",
				" von %s an Gmail: Ab 5.000 am Tag gilt die Domain dort als Massenversender, und zwar auf Dauer",
				" da %s a Gmail: da 5.000 al giorno in poi considera il dominio un mittente di massa, per sempre"), from)
	}
	return messages + ": " + kind
}

// unproved says what becomes of mail that nothing proves.
func (l Language) unproved(policy string) string {
	switch policy {
	case "reject":
		return l.pick("receivers refuse them, as the domain asks (p=reject)",
			"Empfänger lehnen sie ab, wie die Domain es verlangt (p=reject)",
			"i destinatari li rifiutano, come chiede il dominio (p=reject)")
	case "quarantine":
		return l.pick("receivers treat them as suspicious, as the domain asks (p=quarantine)",
			"Empfänger behandeln sie als verdächtig, wie die Domain es verlangt (p=quarantine)",
			"i destinatari li trattano come sospetti, come chiede il dominio (p=quarantine)")
	}
	return l.pick("large receivers refuse or hide them", "große Anbieter lehnen sie ab oder verstecken sie", "i grandi provider li rifiutano o li nascondono")
}
