package turns

// Tally counts by account.
type Tally map[string]int

// Add counts n more for an account, or less.
func (t Tally) Add(account string, n int) {
	if t[account] += n; t[account] == 0 {
		delete(t, account)
	}
}
