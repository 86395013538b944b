package settings

import (
	"errors"
	"fmt"
	"net/netip"

	"relay/mailer/dialer"
)

// Bind fails if the machine lacks an address. With a Dialer that cannot tell it never does.
func (c *Config) Bind(a netip.Addr) error {
	b, ok := c.Dialer.(dialer.Binder)
	if !ok || !a.IsValid() {
		return nil
	}
	return b.Bind(a)
}

// ErrLacked says that the machine lacks a source's address.
var ErrLacked = errors.New("this machine cannot send from that address")

// BindAll names the sources whose addresses the machine lacks.
func (c *Config) BindAll() error {
	var errs []error
	for i := range c.Sources {
		if err := c.Bind(c.Sources[i].Addr); err != nil {
			errs = append(errs, fmt.Errorf("source %s: %w: %w", c.Sources[i].Name(), ErrLacked, err))
		}
	}
	return errors.Join(errs...)
}
