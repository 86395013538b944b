package tell

import (
	"errors"
	"time"

	"relay/report/letter/wording"
	"relay/report/words"
)

// Templates reads relay's words and the operator's below dir; "": none. Each of the operator's
// is tried on invented facts too: what is wrong is in the error, by file and line, and not in
// the Set, which is good in any case.
func Templates(dir string) (*wording.Set, error) {
	if dir == "" {
		return relays, nil
	}
	set, err := wording.Load(dir, View{})
	wrong := []error{err}
	w := &Writer{Now: time.Date(2027, 11, 18, 8, 30, 0, 0, time.UTC), Zone: time.UTC, Config: Config{Host: "smtp.example.org", Templates: set}}
	for _, l := range words.Languages {
		for _, name := range set.Own(string(l)) {
			k, ok := findName(name)
			if !ok {
				continue
			}
			if _, err := set.Page(string(l), name, w.view(reader{kind: k}, Sample(k.Name, w.Now, w.Zone))); err != nil {
				wrong = append(wrong, err)
			}
		}
	}
	return set, errors.Join(wrong...)
}
