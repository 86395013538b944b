package words

// Actor is who an entry of the ledger was made by, for people: root has no number.
func Actor(by string) string {
	if by == "uid 0" {
		return "root"
	}
	return by
}
