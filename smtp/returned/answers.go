package returned

import "strings"

// absences are beginnings of subjects of automatic answers, in lower case. Exchange puts the
// first of each line before the subject of the original.
var absences = []string{
	"automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "autoresponse", "automated reply", "automated response", "out of office", "out-of-office", "away from my mail", "away from the office", "on vacation", "on holiday", "vacation", "i am out of",
	"automatische antwort", "automatische rückantwort", "abwesenheit", "abwesend", "außer haus", "nicht im büro", "im urlaub", "urlaub", "eingangsbestätigung", "empfangsbestätigung", "ihre anfrage",
	"risposta automatica", "fuori ufficio", "fuori sede", "assenza", "assente", "in ferie", "risponditore automatico",
	"réponse automatique", "absence du bureau", "absent", "en congé", "message d'absence",
	"respuesta automática", "respuesta automatica", "fuera de la oficina", "fuera de oficina", "ausente",
	"resposta automática", "ausência", "fora do escritório",
	"automatisch antwoord", "automatische beantwoording", "afwezig", "niet aanwezig",
	"automatiskt svar", "autosvar", "frånvaro", "automatisk svar", "ikke til stede", "fravær", "ferie",
	"automaattinen vastaus", "poissa", "automatická odpověď", "autoreply:", "odpowiedź automatyczna", "automatyczna odpowiedź", "nieobecność",
	"автоматический ответ", "автоответ", "отсутствие", "αυτόματη απάντηση", "otomatik yanıt", "automatikus válasz", "răspuns automat",
	"自動応答", "自動返信", "不在", "自动答复", "自动回复", "自動回覆", "자동 회신", "부재중",
}

// autoReply is an answer that a program wrote: it says so (RFC 3834), or has the subject of one.
func (f *finds) autoReply(m *Mail) bool {
	h := f.root
	auto := strings.ToLower(h.get("auto-submitted"))
	subject := strings.TrimSpace(strings.ToLower(m.Subject))
	switch {
	case isReport(h): // a report that nobody understands is no answer
		return false
	case h.first("list-id", "x-ezmlm", "x-list-administrivia", "x-mailman-version") != "":
		m.Shape = "list"
		return true
	case strings.HasPrefix(auto, "auto-replied"), strings.HasPrefix(auto, "auto-generated") && h.has("in-reply-to"):
		m.Shape = "rfc3834"
	case h.first("x-autoreply", "x-autorespond", "x-autoresponse", "x-mail-autoreply", "x-auto-reply-from", "x-autoreply-from", "x-vacation") != "",
		strings.HasPrefix(strings.ToLower(h.get("precedence")), "auto"):
		m.Shape = "vacation"
	case h.has("x-auto-response-suppress") && (h.has("in-reply-to") || anyPrefix(subject, absences)), h.has("x-ms-exchange-inbox-rules-loop"):
		m.Shape = "exchange-oof"
	case anyPrefix(subject, absences) && !strings.HasPrefix(subject, "re:"):
		m.Shape = "subject"
	default:
		return false
	}
	m.Kind, m.Auto = AutoReply, true
	if m.MessageID == "" {
		m.MessageID = messageID(h.get("in-reply-to"))
	}
	return true
}

func anyPrefix(s string, words []string) bool {
	for _, w := range words {
		if strings.HasPrefix(s, w) {
			return true
		}
	}
	return false
}

// challenges are words of mails that want the sender to prove that he is a person.
var (
	challengeSubjects = []string{"confirm your message", "please confirm", "verification required", "verify your", "requires confirmation", "sender verification", "authenticate your", "needs your confirmation", "waiting for your confirmation", "approve your", "bestätigen sie ihre", "bestätigung erforderlich", "conferma il tuo messaggio", "conferma la tua"}
	challengeTexts    = []string{"will be delivered once", "release your message", "deliver your message", "prove that you", "you are a person", "you are a human", "not a spammer", "only once", "one-time", "is being held", "held until", "zugestellt, sobald", "sarà consegnato", "verrà consegnato", "guest list"}
)

// challenge is a mail of a program that holds back mail of unknown senders.
func (f *finds) challenge(m *Mail) bool {
	h := f.root
	agent := strings.ToLower(h.get("x-delivery-agent"))
	known := strings.HasPrefix(agent, "tmda") || h.first("x-spamarrest-noauth", "x-uol-antispam") != ""
	if !known {
		if !m.Auto && !programLike(h) && !h.has("in-reply-to") || !containsAny(strings.ToLower(m.Subject), challengeSubjects) {
			return false
		}
		known = containsAny(f.prose().all, challengeTexts)
	}
	if known {
		m.Kind, m.Shape, m.Auto = Challenge, "challenge", true
	}
	return known
}

// complaintInWords is a complaint of a program that does not write ARF: it has the original.
func (f *finds) complaintInWords(m *Mail) bool {
	subject := strings.ToLower(m.Subject)
	from := strings.ToLower(m.From)
	switch {
	case f.original != nil && (strings.HasPrefix(subject, "complaint about message from") || strings.HasPrefix(from, "staff@hotmail.")):
		m.Shape = "jmrp"
	case f.original != nil && strings.HasPrefix(strings.ToLower(f.root.first("x-xarf", "x-arf")), "plain") && strings.Contains(f.prose().all, "spam"),
		f.original != nil && strings.EqualFold(f.root.first("x-xarf", "x-arf"), "yes"):
		m.Shape = "x-arf"
	case strings.HasSuffix(from, "@reports.spamcop.net") || strings.HasSuffix(from, ".spamcop.net") && strings.HasPrefix(subject, "[spamcop"):
		m.Shape = "spamcop"
		if f.original == nil {
			p := f.prose()
			f.original = p.header(p.find(0, []string{"[ offending message"}) + 1)
		}
	default:
		return false
	}
	m.complain(&Feedback{Type: "abuse", SourceIP: addressAfter(subject), Incidents: 1}, f)
	if m.MessageID = messageID(f.original.get("message-id")); m.MessageID == "" && len(f.text.b) > 0 {
		m.MessageID = f.prose().quotedID()
	}
	return true
}

// addressAfter finds the IP address at the end of a subject.
func addressAfter(subject string) string {
	at := strings.LastIndexAny(subject, " [(")
	word := strings.Trim(subject[at+1:], ")]. ")
	if strings.Count(word, ".") == 3 && strings.Trim(word, "0123456789.") == "" || strings.Count(word, ":") > 1 && strings.Trim(word, "0123456789abcdef:") == "" {
		return word
	}
	return ""
}
