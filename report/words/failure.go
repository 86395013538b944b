package words

// translation is a text in each language.
type translation struct{ English, German, Italian string }

func (t translation) in(l Language) string { return l.pick(t.English, t.German, t.Italian) }

// failure is a category of replies in words for customers: what is wrong, and what they can
// do.
type failure struct{ what, advice translation }

// The advice of several categories.
var (
	takeOff = translation{
		"Take the address off your list.",
		"Nehmen Sie die Adresse aus Ihrer Liste.",
		"Tolga l’indirizzo dal suo elenco."}
	ours = translation{
		"We look after it; you need do nothing.",
		"Darum kümmern wir uns; Sie brauchen nichts zu tun.",
		"Ce ne occupiamo noi; non deve fare nulla."}
	later = translation{
		"Send again later. If it goes on, ask the recipient another way.",
		"Senden Sie später noch einmal. Bleibt es dabei, fragen Sie den Empfänger auf anderem Weg.",
		"Riprovi più tardi. Se continua, contatti il destinatario per un’altra via."}
	content = translation{
		"Look at the text, the links and the attachments of the message, and send only to people who asked for it.",
		"Sehen Sie sich Text, Links und Anhänge der Nachricht an, und schreiben Sie nur an Personen, die es wünschen.",
		"Controlli testo, link e allegati del messaggio, e scriva solo a chi lo ha chiesto."}
	domain = translation{
		"Check SPF and DKIM of your sending domain.",
		"Prüfen Sie SPF und DKIM Ihrer Absenderdomain.",
		"Verifichi SPF e DKIM del suo dominio mittente."}
)

// failures by the category of the verdict; Manual is a suppression that somebody ordered,
// Operator is what the operator dropped or bounced.
var failures = map[string]failure{
	"InvalidRecipient": {translation{"the address does not exist", "die Adresse gibt es nicht", "l’indirizzo non esiste"}, takeOff},
	"BadDomain":        {translation{"the domain does not exist or takes no mail", "die Domain gibt es nicht oder sie nimmt keine Mail an", "il dominio non esiste o non accetta posta"}, takeOff},
	"InactiveMailbox":  {translation{"the mailbox is closed or no longer used", "das Postfach ist gesperrt oder wird nicht mehr genutzt", "la casella è disattivata o non più in uso"}, takeOff},
	"QuotaIssues": {translation{"the mailbox is full", "das Postfach ist voll", "la casella è piena"},
		translation{"Wait for a time; take the address off your list if the mailbox stays full.",
			"Warten Sie einige Zeit; nehmen Sie die Adresse aus Ihrer Liste, wenn das Postfach voll bleibt.",
			"Attenda qualche tempo; tolga l’indirizzo dal suo elenco se la casella resta piena."}},
	"SpamBlock":          {translation{"the receiver does not take mail from our sending address at present", "der Zielserver nimmt von unserer Adresse zurzeit keine Mail an", "il server destinatario al momento non accetta posta dal nostro indirizzo di invio"}, ours},
	"RateLimited":        {translation{"the receiver took no more mail for a time", "der Zielserver nahm eine Zeit lang keine weitere Mail an", "il server destinatario per un certo tempo non ha accettato altra posta"}, ours},
	"TooManyConnections": {translation{"the receiver had too many connections", "der Zielserver hatte zu viele Verbindungen", "il server destinatario aveva troppe connessioni"}, ours},
	"Greylisted":         {translation{"the receiver asked to try again later", "der Zielserver bat um einen späteren Versuch", "il server destinatario ha chiesto di riprovare più tardi"}, ours},
	"SpamContent":        {translation{"the receiver takes the message for spam", "der Zielserver hält die Nachricht für Spam", "il server destinatario considera il messaggio spam"}, content},
	"VirusRelated": {translation{"the receiver found a virus in the message", "der Zielserver hat in der Nachricht einen Virus gefunden", "il server destinatario ha trovato un virus nel messaggio"},
		translation{"Check the attachments, and the computer or web site that the message came from.",
			"Prüfen Sie die Anhänge und den Computer oder die Website, von der die Nachricht kam.",
			"Controlli gli allegati e il computer o il sito da cui è partito il messaggio."}},
	"ProhibitedAttachment": {translation{"the message is too large, or has an attachment that is not allowed there", "die Nachricht ist zu groß oder hat einen Anhang, der dort nicht erlaubt ist", "il messaggio è troppo grande o ha un allegato che lì non è consentito"},
		translation{"Send a link to the file instead.",
			"Senden Sie stattdessen einen Link zur Datei.",
			"Invii piuttosto un link al file."}},
	"AuthenticationFailed": {translation{"nothing proved that the message is from your domain", "nichts bewies, dass die Nachricht von Ihrer Domain stammt", "nulla dimostrava che il messaggio provenisse dal suo dominio"}, domain},
	"InvalidSender": {translation{"the sender’s address was not accepted", "die Absenderadresse wurde nicht angenommen", "l’indirizzo del mittente non è stato accettato"},
		translation{"Send from an address of your own domain that exists and takes mail.",
			"Senden Sie von einer Adresse Ihrer eigenen Domain, die es gibt und die Mail annimmt.",
			"Scriva da un indirizzo del suo dominio che esiste e accetta posta."}},
	"PolicyRelated": {translation{"the receiver’s rules do not allow the message", "die Regeln des Empfängers lassen die Nachricht nicht zu", "le regole del destinatario non consentono il messaggio"},
		translation{"Read the reply, and ask the recipient to allow your address.",
			"Lesen Sie die Antwort, und bitten Sie den Empfänger, Ihre Adresse zuzulassen.",
			"Legga la risposta e chieda al destinatario di autorizzare il suo indirizzo."}},
	"RelayDenied":      {translation{"the server named for the domain does not take its mail", "der für die Domain genannte Server nimmt deren Mail nicht an", "il server indicato per il dominio non ne accetta la posta"}, later},
	"RoutingErrors":    {translation{"the receiver could not pass the message on", "der Zielserver konnte die Nachricht nicht weiterleiten", "il server destinatario non ha potuto inoltrare il messaggio"}, later},
	"DNSFailure":       {translation{"the domain’s server could not be looked up", "der Server der Domain war nicht zu ermitteln", "non è stato possibile trovare il server del dominio"}, later},
	"BadConnection":    {translation{"the connection to the receiver broke", "die Verbindung zum Zielserver brach ab", "la connessione con il server destinatario si è interrotta"}, later},
	"NoAnswerFromHost": {translation{"the receiver’s server did not answer", "der Zielserver antwortete nicht", "il server destinatario non ha risposto"}, later},
	"ProtocolErrors":   {translation{"the receiver’s server answered in error", "der Zielserver antwortete fehlerhaft", "il server destinatario ha risposto in modo errato"}, later},
	"MessageExpired":   {translation{"the message could not be delivered in time", "die Nachricht war nicht rechtzeitig zustellbar", "non è stato possibile recapitare il messaggio in tempo"}, later},
	"Complaint": {translation{"the recipient reported your mail as spam", "der Empfänger hat Ihre Mail als Spam gemeldet", "il destinatario ha segnalato la sua posta come spam"},
		translation{"Take the address off your list, and do not write to it again.",
			"Nehmen Sie die Adresse aus Ihrer Liste, und schreiben Sie ihr nicht mehr.",
			"Tolga l’indirizzo dal suo elenco e non gli scriva più."}},
	"Operator": {translation{"the operator stopped the message", "der Betreiber hat die Nachricht gestoppt", "il gestore ha fermato il messaggio"},
		translation{"Ask us, if you do not know why.",
			"Fragen Sie uns, wenn Sie den Grund nicht kennen.",
			"Ci chieda il motivo, se non lo conosce."}},
	"Manual": {translation{"the address is on your list of recipients not to write to", "die Adresse steht auf Ihrer Liste der nicht anzuschreibenden Empfänger", "l’indirizzo è nel suo elenco di destinatari a cui non scrivere"}, takeOff},
}

// unclear is a reply that means none of the categories.
var unclear = failure{translation{"the receiver refused the message", "der Zielserver hat die Nachricht abgelehnt", "il server destinatario ha rifiutato il messaggio"},
	translation{"Read the reply: it is the receiver’s own words.",
		"Lesen Sie die Antwort: Es sind die eigenen Worte des Zielservers.",
		"Legga la risposta: sono le parole del server destinatario."}}

func failureOf(category string) failure {
	f, ok := failures[category]
	if !ok {
		return unclear
	}
	return f
}

// Failure says what a category of refusals means: "the address does not exist".
func (l Language) Failure(category string) string { return failureOf(category).what.in(l) }

// FailureAdvice says in a sentence what the customer can do about a category.
func (l Language) FailureAdvice(category string) string { return failureOf(category).advice.in(l) }

// Advice says what to do with a recipient of a list of errors: remove, watch or not-yours.
func (l Language) Advice(advice string) string {
	switch advice {
	case "remove":
		return l.pick("remove it from your list", "aus der Liste nehmen", "da togliere dall’elenco")
	case "watch":
		return l.pick("keep an eye on it", "im Auge behalten", "da tenere d’occhio")
	case "not-yours":
		return l.pick("not the address’s fault: keep it", "liegt nicht an der Adresse: behalten", "indirizzo a posto: da tenere")
	}
	return advice
}
