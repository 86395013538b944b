package quota

const (
	mb = 1_000_000
	gb = 1000 * mb
)

// Builtin are the plans of a new store, each for a year and, with "-month"
// after its name, for a month. A bandwidth plan allows one e-mail for every
// 10 KB (M11); a count plan any size (M12).
func Builtin() []Plan {
	var all []Plan
	for _, p := range []Plan{
		{Name: "entry", Bandwidth: 90 * mb, Emails: 9_000},
		{Name: "standard", Bandwidth: 500 * mb, Emails: 50_000},
		{Name: "mega", Bandwidth: 5 * gb, Emails: 500_000},
		{Name: "entry-count", Emails: 9_000},
		{Name: "standard-count", Emails: 50_000},
	} {
		p.Recipients = DefaultRecipients
		year, month := p, p
		year.Term = Year
		month.Term, month.Name = Month, p.Name+"-month"
		all = append(all, year, month)
	}
	return all
}
