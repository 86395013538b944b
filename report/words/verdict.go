package words

import "relay/store"

// Verdict is in a few words what a reply means; "": nothing is known.
func (Language) Verdict(v *store.Verdict) string {
	if v.Category == "" {
		return ""
	}
	text := v.Category + " at " + v.Stage + ", blame: " + v.Blame
	if v.Rule != "" {
		text += ", rule " + v.Rule
	}
	return text
}
