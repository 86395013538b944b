package host

import (
	"context"

	"relay/report/api/act"
)

// Acts on the running relay.
var (
	Health = act.New(act.Spec{Name: "health", Route: "GET /v1/health", Summary: "Whether the running relay works, by probes of its parts", May: act.Operator}, health)
	Reload = act.New(act.Spec{Name: "reload", Route: "POST /v1/reload", Summary: "Read the configuration again, and say what has changed", May: act.Operator}, reload)
)

func health(ctx context.Context, s *act.Service, _ *act.None) (*act.Health, error) {
	if s.Running == nil || s.Running.Host == nil {
		return nil, act.NotRunning()
	}
	return s.Running.Host.Health(ctx), nil
}

func reload(_ context.Context, s *act.Service, _ *act.None) (*act.Reload, error) {
	if s.Running == nil || s.Running.Host == nil {
		return nil, act.NotRunning()
	}
	return s.Running.Host.Reload()
}
