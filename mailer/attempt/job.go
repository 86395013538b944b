package attempt

import (
	"time"

	"relay/mailer/pace"
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/source"
	"relay/store/spool"
	"relay/store/spooled"
)

// Job is a message on its way to a site: the claims of all its domains there
// that were claimed together.
type Job struct {
	Site   string // its name
	Source string // name of the source that it leaves by
	Direct bool   // it goes to MX hosts, or by a server of the source's own that stands in for them

	Path    *route.Path  // nil with a fault
	Fault   *route.Error // why there is no next hop
	From    *source.Source
	Message *spooled.Message
	Claims  []spool.Claimed
	Claimed time.Time // monotonic
	Again   bool      // Dialled comes before the dial, see spool.Claimed
	Passed  int       // how often a connection that could not be made passed it on

	Sends int    // transactions, since it was begun; 0: it was not
	Warm  string // key of the warm-up that counts them; "": none does

	Provider string // whose row held when it was claimed; "": there is no way

	Limits pace.Limits   // of the site when it was begun
	Waited bool          // a ceiling kept it since it was accepted
	Terms  *policy.Terms // of its domains, which all ask the same; nil: nothing
	Stops  bool          // a 421 ends the attempt: no other host of the site is asked
	Gate   *pace.Gate    // of the account, while the job is under way; nil: it has none
}

// Leave takes a job that is over from its account's gate.
func (j *Job) Leave() {
	if j.Gate != nil {
		j.Gate.Busy--
		j.Gate = nil
	}
}
