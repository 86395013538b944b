package delivery

import (
	"context"
	"strings"
	"time"

	"relay/report/api/act"
)

// Aim is the request to look at the way to an address.
type Aim struct {
	Body struct {
		Address string `json:"address" doc:"An address, or a domain: then no host is asked for a recipient."`
	}
}

// Probe is the act delivery probe. A stream that ends without a problem means that a host
// would take mail.
var Probe = act.NewStream(act.Spec{Name: "delivery probe", Route: "POST /v1/delivery/probe", Summary: "Look at the way to an address, stage by stage at each host, and send nothing", May: act.Operator}, probe)

// probeTime is how long a probe may take: some hosts keep everybody waiting.
const probeTime = 5 * time.Minute

func probe(ctx context.Context, s *act.Service, in *Aim, give func(*act.ProbeStep) error) error {
	domain, err := domainOf(in.Body.Address)
	if err != nil {
		return err
	}
	mail, err := deliveries(s)
	if err != nil {
		return err
	}
	ctx, cancel := s.Running.While(ctx)
	defer cancel()
	ctx, stop := context.WithTimeoutCause(ctx, probeTime, act.Fail(act.Busy, "the steps above say how far it came", "the probe took longer than %v", probeTime))
	defer stop()
	address := in.Body.Address
	if !strings.Contains(address, "@") {
		address = ""
	}
	p := &probing{domain: domain, address: address, give: give}
	err = mail.Probe(ctx, domain, address, p.step)
	if stopped := act.Stopped(ctx, "run the probe again when it is back"); stopped != nil {
		if cause := context.Cause(ctx); err != nil && cause != nil && cause != act.ErrStopping {
			return cause
		}
		return stopped
	}
	if err != nil {
		return err
	}
	return p.end()
}

// probing is a probe that runs.
type probing struct {
	domain, address string
	give            func(*act.ProbeStep) error
	takes           bool // a host would take mail
	later           bool // one may do so later
}

// step gives a step to the client. The last one about a host says how that was.
func (p *probing) step(s *act.ProbeStep) error {
	s.Time = time.Now().UTC()
	last := "TLS"
	if p.address != "" {
		last = "RCPT"
	}
	p.takes = p.takes || s.Step == last && s.Status != act.StepFailed
	p.later = p.later || s.Status == act.StepFailed && s.Temporary
	return p.give(s)
}

func (p *probing) end() error {
	what := "mail to " + p.domain
	if p.address != "" {
		what = p.address
	}
	hint := "{delivery explain " + p.domain + "} has its route and policy"
	switch {
	case p.takes:
		return nil
	case p.later:
		return act.Fail(act.Busy, hint, "no host would take %s now", what)
	}
	return act.Fail(act.Refused, hint, "no host would take %s", what)
}
