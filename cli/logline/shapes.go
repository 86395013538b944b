package logline

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// shapes are the events that Postfix has lines for, by their texts.
var shapes = map[string]func(*entry){
	"message accepted":       (*entry).accepted,
	"message refused":        (*entry).refused,
	"account over its rate":  (*entry).refused,
	"connection turned away": (*entry).turnedAway,
	"login failed":           (*entry).loginFailed,
	"TLS handshake failed":   (*entry).handshakeFailed,
	"message delivered":      func(e *entry) { e.outcome("sent") },
	"message deferred":       func(e *entry) { e.outcome("deferred") },
	"message bounced":        func(e *entry) { e.outcome("bounced") },
	"message expired":        (*entry).expired,
	"message suppressed":     (*entry).suppressed,
	"DSN queued":             (*entry).notice,
	"message removed":        func(e *entry) { e.line("postfix/qmgr", e.get("spool_id"), ": removed") },
	"message dropped":        func(e *entry) { e.line("postfix/postsuper", e.get("spool_id"), ": removed") },
}

// client is host[address]; names of clients are not looked up.
func (e *entry) client() string { return "unknown[" + e.get("remote") + "]" }

// address in angle brackets, which nothing in it can end.
func (e *entry) address(key string) string {
	return "<" + strings.NewReplacer("<", "?", ">", "?").Replace(e.get(key)) + ">"
}

func (e *entry) accepted() {
	login := ""
	if name := e.get("login"); name != "" {
		login = ", sasl_method=" + e.get("auth") + ", sasl_username=" + name
	}
	e.line("postfix/smtpd", e.get("spool_id"), ": client=", e.client(), login)
	e.queued()
}

func (e *entry) queued() {
	id := e.get("spool_id")
	e.line("postfix/cleanup", id, ": message-id=", e.get("message_id"))
	e.line("postfix/qmgr", id, ": from=", e.address("from"), ", size=", e.get("size"), ", nrcpt=", e.get("rcpt"), " (queue active)")
}

// notice is of the message it is about, and then the DSN's own.
func (e *entry) notice() {
	e.line("postfix/bounce", e.get("about"), ": sender delivery status notification: ", e.get("spool_id"))
	e.queued() // there is no from: the null sender
}

// refused speaks in Postfix's phrases, by which logwatch sorts. Not for content:
// "Data command rejected" has fail2ban's filter for Postfix ban a customer.
func (e *entry) refused() {
	stage, about, to := e.get("stage"), e.address("from")+": Sender address rejected: ", ""
	switch stage {
	case "RCPT":
		about, to = e.address("to")+": Recipient address rejected: ", " to="+e.address("to")
	case "end":
		stage, about = "DATA", "<DATA>: "
	}
	e.line("postfix/smtpd", "NOQUEUE: reject: ", stage, " from ", e.client(), ": ", e.get("code"), " ", e.get("enhanced"), " ", about, e.get("reply"),
		"; from=", e.address("from"), to, " proto=ESMTP")
}

func (e *entry) turnedAway() {
	e.line("postfix/smtpd", "NOQUEUE: reject: CONNECT from ", e.client(), ": ", e.get("code"), " ", e.get("enhanced"),
		" <", e.client(), ">: Client host rejected: ", e.get("reply"), "; proto=SMTP")
}

func (e *entry) loginFailed() {
	e.line("postfix/smtpd", "warning: ", e.client(), ": SASL ", e.get("auth"),
		" authentication failed: wrong user name or password, sasl_username=", e.get("login"))
}

func (e *entry) handshakeFailed() {
	e.line("postfix/smtpd", "SSL_accept error from ", e.client(), ": ", e.get("err"))
}

// reply is what was said, in one line.
func (e *entry) reply() string {
	return e.get("code") + " " + e.get("enhanced") + " " + e.get("reply")
}

// outcome is what became of a recipient in an attempt.
func (e *entry) outcome(status string) {
	enhanced := e.get("enhanced")
	if status == "deferred" && strings.HasPrefix(enhanced, "5") {
		enhanced = "4" + enhanced[1:] // it is tried again all the same
	}
	hop, why := e.get("next_hop"), e.reply()
	switch local := e.value("local"); {
	case hop == "" || e.get("stage") == "connect":
		hop, why = "none", unconnected(hop, e.get("reply"))
	case local.Kind() == slog.KindBool && local.Bool():
		why = e.get("reply")
	case status != "sent":
		host, _, _ := strings.Cut(hop, "]:") // without its port
		if host != hop {
			host += "]"
		}
		why = "host " + host + " said: " + why + " (in reply to " + command(e.get("stage")) + ")"
	}
	e.line("postfix/smtp", e.get("spool_id"), ": to=", e.address("to"), ", relay=", hop, e.delays(),
		", dsn=", enhanced, ", status=", status, " (", why, ")")
}

// unconnected says why no connection was made, in Postfix's words if it names a host.
func unconnected(hop, reply string) string {
	if why, ok := strings.CutPrefix(reply, "connect: "); ok && hop != "" {
		return "connect to " + hop + ": " + why
	}
	return reply
}

// expired is two of Postfix's lines, the first one when there was an attempt.
func (e *entry) expired() {
	if e.has("code") {
		e.outcome("deferred")
	}
	e.line("postfix/qmgr", e.get("spool_id"), ": from=", e.address("from"), ", status=expired, returned to sender")
}

// suppressed is what Postfix logs of mail that it refuses to try.
func (e *entry) suppressed() {
	e.line("postfix/error", e.get("spool_id"), ": to=", e.address("to"), ", relay=none", e.delays(),
		", dsn=", e.get("enhanced"), ", status=bounced (suppressed: ", e.get("reply"), ")")
}

// delays are in seconds: in all since the message was accepted; before the queue,
// in it, connecting, and transferring.
func (e *entry) delays() string {
	all := duration(e.value("delay"))
	connect := time.Duration(number(e.value("connect_ms"))) * time.Millisecond
	attempt := time.Duration(number(e.value("ms"))) * time.Millisecond
	return ", delay=" + seconds(all) + ", delays=0/" + seconds(all-attempt) + "/" + seconds(connect) + "/" + seconds(attempt-connect)
}

func duration(v slog.Value) time.Duration {
	if v.Kind() == slog.KindDuration {
		return v.Duration()
	}
	return 0
}

func number(v slog.Value) int64 {
	if v.Kind() == slog.KindInt64 {
		return v.Int64()
	}
	return 0
}

func seconds(d time.Duration) string {
	d = max(0, d).Round(10 * time.Millisecond)
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// command names a stage of a session as Postfix does.
func command(stage string) string {
	switch stage {
	case "MAIL":
		return "MAIL FROM command"
	case "RCPT":
		return "RCPT TO command"
	case "end", "content":
		return "end of DATA command"
	}
	return stage + " command"
}
