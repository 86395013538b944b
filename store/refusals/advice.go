package refusals

// What to do with a recipient of a list of errors.
const (
	AdviceRemove   = "remove"    // take it off the list: mail to it will not arrive
	AdviceWatch    = "watch"     // it may pass, or it may not
	AdviceNotYours = "not-yours" // the recipient is not to blame: keep it
)

// Advices are all of them.
var Advices = []string{AdviceRemove, AdviceWatch, AdviceNotYours}

// advices by category; of others AdviceWatch. relay/mailer/verdict has the categories of
// replies.
var advices = map[string]string{
	"InvalidRecipient": AdviceRemove,
	"BadDomain":        AdviceRemove,
	"InactiveMailbox":  AdviceRemove,
	"Complaint":        AdviceRemove,
	ByHand:             AdviceRemove, // mail to it is not tried

	"SpamBlock":          AdviceNotYours, // the operator's task
	"RateLimited":        AdviceNotYours,
	"TooManyConnections": AdviceNotYours,
	"Greylisted":         AdviceNotYours,

	"SpamContent":          AdviceNotYours, // the message
	"VirusRelated":         AdviceNotYours,
	"ProhibitedAttachment": AdviceNotYours,
	"AuthenticationFailed": AdviceNotYours, // the sender's domain
	"InvalidSender":        AdviceNotYours,
}

// AdviceFor a category of replies.
func AdviceFor(category string) string {
	if is := advices[category]; is != "" {
		return is
	}
	return AdviceWatch
}

// advise is what to do with the recipient. What mail has reached since is not taken off a
// list, whatever was said of it before.
func (r *Entry) advise() string {
	is := AdviceFor(r.Category)
	if is == AdviceRemove && !r.Cleared.IsZero() {
		return AdviceWatch
	}
	return is
}
