package store

import (
	"encoding/base64"
	"encoding/binary"

	"relay/store/bucket"
	"relay/store/outcomes"
	"relay/store/room"
)

// progressKey is that of what became of an account's mail of a period.
func progressKey(account, period string) []byte { return room.Pair(account, period+outcomes.Behind) }

// dayKey is that of what became of an account's mail of a day.
func dayKey(account, day, period string) []byte { return room.Pair(account, day+"\x00"+period) }

// given is mail that was given up.
type given struct {
	category string
	n        uint64
}

// dayRecord is a day as it is stored in bucket "days".
func dayRecord(delivered uint64, failed ...given) []byte {
	raw := append(binary.AppendUvarint(nil, delivered), 0, byte(len(failed)))
	for _, f := range failed {
		raw = append(append(raw, byte(len(f.category))), f.category...)
		raw = binary.AppendUvarint(raw, f.n)
	}
	return append(raw, 0)
}

// packed is a day as it stands in a record of progress.
func packed(day []byte) string { return base64.RawStdEncoding.EncodeToString(day) }

// changeProgress writes what became of an account's mail of a period.
func changeProgress(t *tx, account, period string, change func(*outcomes.Progress)) error {
	p := outcomes.Progress{}
	if _, err := t.Read(bucket.Usage, progressKey(account, period), &p); err != nil {
		return err
	}
	change(&p)
	return t.Write(bucket.Usage, progressKey(account, period), p)
}

// closeDay moves the counts of an open day to bucket "days", as a relay had them that kept no day
// open. It reports whether it did: it leaves alone a day that has counts there.
func closeDay(t *tx, account, period string) (bool, error) {
	p := t.s.Outcomes.Of(&t.Tx, account, period)
	key := dayKey(account, p.Day, period)
	if p.Counts == "" || t.Get(bucket.DaysOf, key) != nil {
		return false, nil
	}
	raw, err := base64.RawStdEncoding.DecodeString(p.Counts)
	if err != nil {
		return false, err
	}
	if err := t.Put(bucket.DaysOf, key, raw); err != nil {
		return false, err
	}
	return true, changeProgress(t, account, period, func(p *outcomes.Progress) { p.Day, p.Counts = "", "" })
}
