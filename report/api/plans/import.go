package plans

import (
	"context"
	"slices"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/words"
)

// MostOctets of a file of plans: some 5,000 plans.
const MostOctets = 1 << 20

// Document is the request to import plans.
type Document struct {
	Body struct {
		Name     string `json:"name,omitempty" doc:"What errors call the document."`
		Document string `json:"document" doc:"TOML, as plan export writes it."`
		DryRun   bool   `json:"dry_run,omitempty" doc:"Show the differences and change nothing."`
	}
}

// Difference is what an import does to a plan.
type Difference struct {
	Plan    string      `json:"plan"`
	Change  string      `json:"change" doc:"new, changed or same."`
	Changed []KeyChange `json:"changed"`
	Older   *Terms      `json:"older_terms,omitempty" doc:"Accounts that run on other terms of a changed plan."`
}

// KeyChange is one key of a plan in a file.
type KeyChange struct {
	Key string `json:"key"`
	Was string `json:"was" doc:"As the file has it; empty: left out."`
	Is  string `json:"is"`
}

// Everything is a request that says nothing more.
type Everything struct{}

// Acts on files of plans.
var (
	Export = act.NewFile(act.Spec{Name: "plan export", Route: "GET /v1/plan-file", Summary: "All plans as TOML", May: act.Operator}, export)
	Import = act.New(act.Spec{Name: "plan import", Route: "POST /v1/plan-file", Summary: "Add and change plans from TOML, all or none", May: act.Operator, Largest: 7 * MostOctets}, importPlans)
)

func export(_ context.Context, s *act.Service, _ *Everything, to *act.Sink) error {
	list, err := s.Store.Books.Plans()
	if err != nil {
		return err
	}
	return writePlans(to, list, s.Store.Books.Currency())
}

func importPlans(_ context.Context, s *act.Service, in *Document) (*[]Difference, error) {
	if len(in.Body.Document) > MostOctets {
		return nil, badPlans(in.Body.Name, []string{"longer than " + words.Size(MostOctets) + ": it is not a file of plans"})
	}
	currency := s.Store.Books.Currency()
	list, err := readPlans(in.Body.Name, in.Body.Document, currency)
	if err != nil {
		return nil, err
	}
	was, err := s.Store.Books.PutPlans(list, in.Body.DryRun)
	if err != nil {
		return nil, err
	}
	out := make([]Difference, len(list))
	for i := range list {
		out[i] = differences(was[i], &list[i], currency)
	}
	return &out, countOlder(s, list, out)
}

// countOlder adds to what is changed how many accounts run on other terms of it.
func countOlder(s *act.Service, list []quota.Plan, to []Difference) error {
	at := map[string]int{}
	for i := range to {
		if to[i].Change == "changed" {
			at[list[i].Name] = i
		}
	}
	if len(at) == 0 {
		return nil
	}
	count := make([]Terms, len(to))
	all, err := running(s, func(terms *quota.Plan) bool {
		i, ok := at[terms.Name]
		if ok = ok && !sameTerms(terms, &list[i]); ok {
			count[i].Accounts++
		}
		return ok
	})
	for i := range to {
		if count[i].Accounts > 0 {
			count[i].AtLeast = all.AtLeast
			to[i].Older = &count[i]
		}
	}
	return err
}

// differences between a plan (nil: none yet) and what takes its place, as they
// stand in a file.
func differences(was, is *quota.Plan, currency string) Difference {
	d := Difference{Plan: is.Name, Change: "new", Changed: []KeyChange{}}
	to := planKeys(is, currency)
	if was == nil {
		for _, k := range to[1:] {
			d.Changed = append(d.Changed, KeyChange{k.key, "", k.value})
		}
		return d
	}
	from := planKeys(was, currency)
	value := func(list []planKey, key string) string {
		if i := slices.IndexFunc(list, func(k planKey) bool { return k.key == key }); i >= 0 {
			return list[i].value
		}
		return ""
	}
	for _, k := range from {
		if is := value(to, k.key); is != k.value {
			d.Changed = append(d.Changed, KeyChange{k.key, k.value, is})
		}
	}
	for _, k := range to {
		if value(from, k.key) == "" {
			d.Changed = append(d.Changed, KeyChange{k.key, "", k.value})
		}
	}
	if d.Change = "changed"; len(d.Changed) == 0 {
		d.Change = "same"
	}
	return d
}
