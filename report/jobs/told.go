package jobs

import (
	"relay/report/tell"
	"relay/store"
	"relay/store/spool"
	"relay/store/spooled"
)

// Told writes the mails of a piece of news, which have IDs of their own beside the one given.
func (r *Runner) Told(t *store.Told, id spooled.ID) ([]spool.Notice, error) {
	return r.Writer().Write(t, id)
}

// Writer writes as the configuration in force says.
func (r *Runner) Writer() *tell.Writer {
	w := &tell.Writer{Config: r.config().Letters.Config, Now: r.store.Now(), Zone: r.store.Zone()}
	w.Wrong = r.logReplaced
	signing := r.config().Signing
	w.SigningZone, w.Selectors = signing.Zone, signing.Selectors()
	return w
}
