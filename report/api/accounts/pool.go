package accounts

import (
	"context"
	"slices"
	"strings"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/store/remark"
	"relay/store/signing"
)

// Point is one thing that large providers demand of an account with an address of its own
// (M10): there is nobody else whose good mail would cover for it.
type Point struct {
	Point  string `json:"point" enum:"signature,errors,unsubscribe"`
	Met    bool   `json:"met"`
	Detail string `json:"detail"`
}

var pointNames = []string{"signature", "errors", "unsubscribe"}

// Points is the act that shows whether an account may have an address of its own.
var Points = act.New(act.Spec{Name: "account points", Route: "GET /v1/accounts/{account}/points", Summary: "What providers demand of an account with an address of its own, and whether it has it", May: act.Operator}, points)

// Pointed is a request on one account.
type Pointed struct {
	Account string `path:"account"`
}

func points(ctx context.Context, s *act.Service, in *Pointed) (*[]Point, error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	list, err := pointsOf(s, in.Account)
	return &list, err
}

// lately is for how long remarks on mail count against an account.
const lately = 7 * 24 * time.Hour

func pointsOf(s *act.Service, account string) ([]Point, error) {
	from := s.Store.Now().Add(-lately).In(s.Store.Zone()).Format(time.DateOnly)
	remarks, err := s.Store.Remarks.Of(account, from)
	if err != nil {
		return nil, err
	}
	signature, err := signaturePoint(s, account, remarks)
	if err != nil {
		return nil, err
	}
	errors, err := errorsPoint(s, account)
	return []Point{signature, errors, unsubscribePoint(remarks)}, err
}

// signaturePoint wants a delegated domain, and no mail of late that no signature of its
// From domain vouches for.
func signaturePoint(s *act.Service, account string, remarks []remark.Remark) (p Point, err error) {
	p = Point{Point: "signature", Detail: "no domain of the account is delegated: relay domain add DOMAIN --account " + account}
	err = s.Store.Signing.EachDomain(account, "", "", func(d *signing.Domain) error {
		if len(d.Selectors) > 0 {
			p.Met, p.Detail = true, d.Name+" is delegated, and mail of the last 7 days was signed for its From field"
		}
		return nil
	})
	bad := []string{remark.Unsigned, remark.SPFOnly, remark.Freemail}
	if i := slices.IndexFunc(remarks, func(r remark.Remark) bool { return slices.Contains(bad, r.Kind) }); p.Met && i >= 0 {
		p.Met, p.Detail = false, "mail from "+remarks[i].Domain+" went out without a signature of that domain on "+remarks[i].Day
	}
	return p, err
}

// errorsPoint wants a record: enough delivered on clean days, and none that is bad today.
func errorsPoint(s *act.Service, account string) (Point, error) {
	rec, _, err := s.Store.Strangers.Record(account)
	p := Point{Point: "errors", Met: true, Detail: "1,000 e-mails were delivered on seven clean days, and nothing speaks against today"}
	switch today := rec.Today; {
	case !rec.Proven:
		p.Met, p.Detail = false, "it has not delivered 1,000 e-mails on seven clean days yet"
	case today.Delivered > 0 && !today.Clean():
		p.Met, p.Detail = false, "too much of today's mail went wrong: unknown recipients, complaints or blame"
	}
	return p, err
}

func unsubscribePoint(remarks []remark.Remark) Point {
	if i := slices.IndexFunc(remarks, func(r remark.Remark) bool { return r.Kind == remark.Bulk }); i >= 0 {
		return Point{Point: "unsubscribe", Detail: "one subject went to many without List-Unsubscribe and List-Unsubscribe-Post on " + remarks[i].Day}
	}
	return Point{Point: "unsubscribe", Met: true, Detail: "no bulk mail of the last 7 days lacked List-Unsubscribe and List-Unsubscribe-Post"}
}

// mayUsePool refuses a pool that no source has, that the plan does not allow, or that the
// account lacks a point for; "" is always allowed.
func mayUsePool(s *act.Service, account, pool string, plan quota.Plan) error {
	if pool == "" {
		return nil
	}
	if !slices.ContainsFunc(s.Rules().Sources, func(r act.SourceRule) bool { return r.Pool == pool }) {
		return act.Invalid("pool", "{source list} shows all", " %q: no source has it", pool)
	}
	if now, err := s.Store.Books.Plan(plan.Name); !plan.Dedicated && err == nil && now.Dedicated {
		hint := "{account set " + account + " --plan " + plan.Name + "} applies the plan as it is now"
		if now.Price > 0 {
			hint = "the next term has it: {account renew " + account + "}"
		}
		return act.Fail(act.Refused, hint, "the term of account %s was bought before its plan had an address of its own", account)
	}
	if !plan.Dedicated {
		return act.Fail(act.Refused, "{plan set "+plan.Name+" --dedicated} allows it", "the plan of account %s has no address of its own", account)
	}
	list, err := pointsOf(s, account)
	if err != nil {
		return err
	}
	var unmet []string
	for _, p := range list {
		if !p.Met {
			unmet = append(unmet, p.Point+": "+p.Detail)
		}
	}
	if unmet != nil {
		return act.Fail(act.Refused, "{account points "+account+"} shows all points", "account %s does not meet what providers demand: %s", account, strings.Join(unmet, "; "))
	}
	return nil
}
