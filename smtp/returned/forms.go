package returned

// form is how a program that writes no report for programs tells of a failure. Words are in
// lower case.
type form struct {
	name   string
	marks  []string // one of them is in the text
	delay  []string // the text tells of a delay if one of these is in it
	start  []string // recipients are looked for after one of these, if it is there
	keys   []string // words on whose line an address follows
	lone   bool     // an address alone on its line is a recipient
	angle  bool     // so is <address>: with a reason after it
	above  bool     // the reason stands before the recipients
	around bool     // a transcript may stand before them
	end    []string // the original follows; what is no prefix of a line is not looked for
}

// forms are tried in this order. Sources: what these programs are known to write, qmail's
// QSBMF, and the manuals of exim and sendmail.
var forms = []form{
	{
		name: "james", marks: []string{"this is the james mail server"}, start: []string{"failed recipient(s):"}, lone: true, around: true, end: []string{"message details:", "original message"},
	},
	{
		name: "qmail", marks: []string{"hi. this is the"}, start: []string{"hi. this is the"},
		delay: []string{"i have not been able to deliver"}, angle: true,
		end: []string{"--- below this line is a copy of", "--- undelivered message follows", "--- enclosed is a copy of"},
	},
	{
		name: "yahoo", marks: []string{"unable to deliver your message to the following address"}, angle: true,
		end: []string{"--- below this line is a copy of", "--- original message follows", "--------- forwarded message"},
	},
	{
		name: "exim", marks: []string{"this message was created automatically by mail delivery software", "a message that you sent could not be delivered", "a message that you sent has not yet been delivered"},
		delay: []string{"has not been delivered to one or more of its", "has not yet been delivered", "no action is required on your part"},
		start: []string{"the following address", "address(es) failed", "the address", "affected:"}, lone: true,
		end: []string{"------ this is a copy of", "--- the header of the original", "--- this is a copy of", "------ the body of the message", "--- original message"},
	},
	{
		name: "smail", marks: []string{"- message log follows: -", "- failed addresses follow: -"}, start: []string{"message log follows"},
		angle: true, lone: true, end: []string{"|------------------------- message text follows", "|--------------------- message text follows", "|-message text follows"},
	},
	{
		name: "postfix", marks: []string{"this is the postfix program", "this is the mail system at host", "this is the mail delivery program at host"},
		delay: []string{"this is a warning only", "you do not need to resend", "will be retried until"}, angle: true,
		end: []string{"--- original message", "--- message header follows", "--- below this line"},
	},
	{
		name: "gmail", marks: []string{"delivery to the following recipient", "google tried to deliver your message", "wasn't delivered to", "message not delivered"},
		delay: []string{"has been delayed", "will keep trying", "no action is required"}, keys: []string{"wasn't delivered to", "delivering your message to", "your message to"}, lone: true,
		end: []string{"----- original message", "----- message header follows"},
	},
	{
		name: "sendmail", marks: []string{"permanent fatal errors", "transcript of session follows", "transcript of the session follows", "had transient non-fatal errors"},
		delay: []string{"had transient non-fatal errors", "this is a warning message only"}, start: []string{"permanent fatal errors", "unrecoverable errors", "transient non-fatal errors", "recipients of this delivery"},
		lone: true, around: true, end: []string{"----- original message follows", "----- unsent message follows", "----- message header follows", "----- unsent message below", "----- returned message follows"},
	},
	{
		name: "exchange-ndr", marks: []string{"did not reach the following recipient(s)", "konnte folgende(n) empfänger nicht erreichen", "non ha raggiunto i seguenti destinatari"},
		start: []string{"did not reach the following", "nicht erreichen", "non ha raggiunto"}, keys: []string{" on ", " am ", " il "}, lone: true,
		end: []string{"-----original message", "----- original message", "-----ursprüngliche nachricht"},
	},
	{
		name: "hmailserver", marks: []string{"hmailserver sent"}, start: []string{"could not be reached"}, lone: true, end: []string{"-- original message", "hmailserver version"},
	},
	{
		name: "exchange", marks: []string{"the following recipient(s) could not be reached", "the following recipient(s) cannot be reached", "die folgenden empfänger konnten nicht erreicht", "impossibile raggiungere i seguenti destinatari", "il recapito ai destinatari"},
		start: []string{"following recipient(s)", "die folgenden empfänger", "seguenti destinatari"}, lone: true, keys: []string{" on ", " am ", " il "},
		end: []string{"-----original message", "reporting-mta:", "original message headers"},
	},
	{
		name: "outlook", marks: []string{"delivery has failed to these recipients", "your message couldn't be delivered", "your message wasn't delivered", "fehler bei der zustellung an die folgenden empfänger", "recapito non riuscito per i seguenti destinatari", "échec de la remise", "no se pudo entregar"},
		delay: []string{"delivery is delayed to these recipients"},
		keys:  []string{"your message to", "couldn't be delivered to", "wasn't delivered to", "delivered to"}, lone: true,
		end: []string{"original message headers", "ursprüngliche nachrichtenkopfzeilen", "intestazioni originali", "message headers"},
	},
	{
		name: "domino", marks: []string{"was not delivered to:"}, start: []string{"was not delivered to:"}, lone: true,
		end: []string{"------- returned message", "reporting-mta:"},
	},
	{
		name: "notes", marks: []string{"------- failure reasons", "not listed in public name & address book"}, start: []string{"failure reasons"}, lone: true, above: true,
		end: []string{"------- returned message"},
	},
	{
		name: "mdaemon", marks: []string{"had permanent fatal delivery errors", "removed from the mail queue on this server"}, keys: []string{"failed address:", "following address:", "recipient:"}, end: []string{"--- end transcript", ": message contains"},
	},
	{
		name: "courier", marks: []string{"running the courier mail server"}, delay: []string{"delayed mail", "will continue to attempt"},
		start: []string{"cannot be delivered", "has been delayed", "not yet been delivered"}, angle: true, end: []string{"if your message was also sent", "the original message follows"},
	},
	{
		name: "imail", marks: []string{"original message follows.", "delivery failed 20 attempts"},
		keys: []string{"unknown user:", "invalid final delivery userid:", "user mailbox exceeds allowed size:", "undeliverable to", "delivery failed", "unknown host:"},
		end:  []string{"original message follows"},
	},
	{
		name: "ims", marks: []string{"your message cannot be delivered to the following recipients", "this report relates to a message you sent"}, delay: []string{"has been enqueued and undeliverable for"},
		keys: []string{"recipient address:"}, end: []string{"original message", "return-path:"},
	},
	{
		name: "smartermail", marks: []string{"could not deliver message to the following recipient(s)"}, keys: []string{"failed recipient:"}, end: []string{"-- the header and top", "-- the message header"},
	},
	{
		name: "mailenable", marks: []string{"mailenable:", "mailenable smtp"}, keys: []string{"recipient:", "to:"}, angle: true, lone: true, end: []string{"message headers follow", "--- message headers"},
	},
	{
		name: "groupwise", marks: []string{"message that you sent was undeliverable to the following", "the message that you sent was undeliverable"}, start: []string{"was undeliverable to the following"}, lone: true, end: []string{"-- original message"},
	},
	{
		name: "barracuda", marks: []string{"blocked by our spam firewall", "blocked by our bulk email filter"}, keys: []string{"your message to:", "message to:"}, end: []string{"original message headers", "reporting-mta:"},
	},
	{
		name: "interscan", marks: []string{"unable to deliver message to", "sent <<<"}, keys: []string{"unable to deliver message to"}, above: true, end: []string{"--- original message", "received:"},
	},
	{
		name: "intermail", marks: []string{"this message was undeliverable due to the following reason"}, start: []string{"due to the following reason"}, lone: true, above: true, end: []string{"please reply to", "--- original message"},
	},
	{
		name: "communigate", marks: []string{"failed to deliver to '"}, keys: []string{"failed to deliver to"}, end: []string{"reporting-mta:", "original message"},
	},
	{
		name: "dragonfly", marks: []string{"this is the dragonfly mail agent"}, keys: []string{"delivering your mail to"}, around: true,
		end: []string{"message headers follow", "original message follows"},
	},
	{
		name: "mimecast", marks: []string{"following address could not be delivered", "following address could not be"}, start: []string{"to the following address"}, lone: true, end: []string{"this condition occurred", "your original message"},
	},
	{
		name: "xmail", marks: []string{"xmail bounce:"}, keys: []string{"rcpt=["}, end: []string{"[<04>]", "[<05>]", "here follows the original"},
	},
	{
		name: "opensmtpd", marks: []string{"this is the mailer-daemon"}, delay: []string{"has not yet been delivered", "will keep trying"}, start: []string{"list of recipients"}, keys: []string{"\x00colon"}, lone: true,
		end: []string{"below is a copy of the original"},
	},
	{
		name: "mailmarshal", marks: []string{"could not be delivered because of"}, start: []string{"could not be delivered because of"}, lone: true, above: true, end: []string{"for more information"},
	},
}
