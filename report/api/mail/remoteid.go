package mail

import (
	"regexp"
	"strings"
)

// remoteIDs find in the last words of a next hop that took a message the name
// that it gave it there. The first that finds one counts.
var remoteIDs = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\bqueued (?:on \S+ )?as:? *<?([^\s<>;,()\[\]]+)`),       // Postfix, relay, Amavis, Yandex, SendGrid
	regexp.MustCompile(`(?i)\bInternalId=(\d+)`),                                    // Exchange
	regexp.MustCompile(`\s(\S+) - g?smtp$`),                                         // Google
	regexp.MustCompile(`(?i)\bid=<?([^\s<>;,()\[\]]+)`),                             // Exim, GMX, Mail.ru
	regexp.MustCompile(`(?i)(?:^|\s)<?([^\s<>:]+)>? message accepted for delivery`), // Sendmail, OpenSMTPD, Kerio, Proofpoint
	regexp.MustCompile(`(?i)\bqp (\d+)`),                                            // qmail
	regexp.MustCompile(`(?i)\bmessage (\d+) accepted\b`),                            // IronPort
	regexp.MustCompile(`(?i)^(SmtpThread-\S+)`),                                     // Mimecast
	regexp.MustCompile(`(?i)\bqueued[^(]*\(([^\s()]{8,})\)`),                        // Haraka; what is shorter is a time
	regexp.MustCompile(`(?i)^ok[:.]? +<?([0-9a-z][0-9a-z.@_-]{11,})>?(?: |$)`),      // Courier, SES; what is shorter is a size or a time
}

// replyCode stands before the text of a reply.
var replyCode = regexp.MustCompile(`^2\d\d[ -]?(?:2\.\d{1,3}\.\d{1,3} )?`)

// remoteID is the queue ID that a next hop told when it took a message; "" when
// it told none, or did not take it.
func remoteID(reply string) string {
	code := replyCode.FindString(reply)
	if code == "" {
		return ""
	}
	text := strings.TrimSpace(reply[len(code):])
	for _, re := range remoteIDs {
		all := re.FindAllStringSubmatch(text, -1)
		if len(all) == 0 {
			continue
		}
		// What a content filter passes on says more than one; the last is the mailbox's side.
		id := strings.TrimRight(all[len(all)-1][1], ".")
		if len(id) >= 4 && strings.ContainsAny(id, "0123456789") {
			return id
		}
	}
	return ""
}
