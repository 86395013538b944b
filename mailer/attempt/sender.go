package attempt

import (
	"log/slog"
	"sync/atomic"
	"time"

	"relay/mailer/hosts"
	"relay/mailer/link"
	"relay/mailer/policy"
	"relay/mailer/settings"
	"relay/mailer/signature"
	"relay/store/quiet"
	"relay/store/spool"
	"relay/store/spooled"
)

// Sender is what all attempts share.
type Sender struct {
	spool    *spool.Spool
	cfg      *atomic.Pointer[settings.Config]
	policies *policy.Book
	log      *slog.Logger
	quiet    *quiet.Log // for what may fail again and again

	Hosts      hosts.Memory
	doubts     hosts.Doubts
	signatures *signature.Signatures
	Meters     Meters

	Links   *link.Opener
	Stopped <-chan struct{} // closed when the drain is over
}

// NewSender returns a Sender of what is in the spool. It goes by the configuration in force.
func NewSender(sp *spool.Spool, cfg *atomic.Pointer[settings.Config], policies *policy.Book, log *slog.Logger, q *quiet.Log) *Sender {
	m := &Sender{
		spool:      sp,
		cfg:        cfg,
		policies:   policies,
		log:        log,
		quiet:      q,
		signatures: signature.New(sp, cfg, q),
		Meters:     newMeters(),
	}
	m.Links = link.New(cfg, &m.Hosts)
	m.Hosts.Back = func(failures int) time.Duration { return m.config().Lasts(m.config().Block(failures)) }
	return m
}

// config is the configuration in force.
func (m *Sender) config() *settings.Config { return m.cfg.Load() }

// Forget frees what is kept in memory of a message that has left the spool.
func (m *Sender) Forget(id spooled.ID) {
	m.doubts.Settle(id)
	m.signatures.Forget(id)
}

const storeFailed = "store failed"

// StoreFails logs an operation of the store that failed, until it works again.
func (m *Sender) StoreFails(op string, err error) {
	m.quiet.Fails(slog.LevelError, op, storeFailed, slog.String("op", op), slog.Any("err", err))
}

// StoreWorks logs that an operation works that failed before.
func (m *Sender) StoreWorks(op string) { m.quiet.Works(op, storeFailed) }

// NoteDialled stores that claims are dialled for. Where the store cannot be
// written, a crash has them tried once more than they should be.
func (m *Sender) NoteDialled(list []spool.Claimed) {
	if err := m.spool.Dialled(list); err != nil {
		m.StoreFails("note dials", err)
		return
	}
	m.StoreWorks("note dials")
}
