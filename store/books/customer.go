package books

import (
	"strings"
	"time"

	"relay/quota"
	"relay/store/mailsyntax"
)

// An account is a spool.Customer and a strangers.Customer: what the spool and the cap of first sendings
// ask of it.

// Owns reports whether an address is certainly the customer's own: the account's contact, or one that
// the operator has named as a sender of the account, by itself or by its domain. Any other may be forged.
func (a *Account) Owns(address string) bool {
	if address == "" {
		return false
	}
	if strings.EqualFold(address, a.Contact) {
		return true
	}
	for _, s := range a.Senders {
		if mailsyntax.Matches(address, s) {
			return true
		}
	}
	return false
}

// Delivery names the account's own profile of pace, and its pool of sources; "": as configured.
func (a *Account) Delivery() (profile, pool string) { return a.Profile, a.Pool }

// FirstSendings is the cap of first sendings that was set for the account.
func (a *Account) FirstSendings() int { return a.FirstCap }

// Includes is how many e-mails the plan of that time includes; 0: any number.
func (a *Account) Includes(now time.Time) int64 {
	if n, limited := quota.Limit(a.Plan(now).Emails); limited {
		return max(1, n)
	}
	return 0
}
