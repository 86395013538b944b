package spooled

import (
	"fmt"
	"time"

	"relay/store/room"
)

// ClaimState is how far an open claim has come.
type ClaimState byte

// The states.
const (
	ClaimWaits    ClaimState = 'w' // nobody has dialled for it
	ClaimDialled  ClaimState = 'd' // somebody may have
	ClaimReleased ClaimState = 'r' // at a start: nobody has it
	ClaimAgain    ClaimState = 'a' // like ClaimWaits, after ClaimReleased
)

// ClaimKey is the key of a claim in bucket "claims".
func ClaimKey(id ID, domain string) []byte {
	return append(append(make([]byte, 0, len(id)+len(domain)), id[:]...), domain...)
}

// Claim notes that a message's recipients at a domain are being delivered. Bucket "claims", key see
// ClaimKey. The time of the next try tells the recipients that were claimed from others at the domain.
type Claim struct {
	State ClaimState
	Due   time.Time // when they were due before the claim
	Next  time.Time // when they are due after it; zero: not known, in entries of an earlier relay
}

// Value is the entry.
func (c Claim) Value() []byte {
	return room.AppendTime(room.AppendTime(append(make([]byte, 0, 17), byte(c.State)), c.Due), c.Next)
}

// Has reports whether a recipient at the domain is one of those that were claimed.
func (c Claim) Has(r *Recipient) bool {
	return c.Next.IsZero() || r.Next.Truncate(time.Millisecond).Equal(c.Next)
}

// ParseClaim reads key and value of an entry.
func ParseClaim(k, raw []byte) (id ID, domain string, c Claim, err error) {
	if len(k) <= len(id) || len(raw) != 9 && len(raw) != 17 {
		return id, "", c, fmt.Errorf("entry %x of an open claim cannot be read", k)
	}
	copy(id[:], k)
	return id, string(k[len(id):]), ReadClaim(raw), nil
}

// ReadClaim reads what Value wrote.
func ReadClaim(raw []byte) Claim {
	c := Claim{State: ClaimState(raw[0]), Due: room.ParseTime(raw[1:])}
	if len(raw) > 9 {
		c.Next = room.ParseTime(raw[9:])
	}
	return c
}
