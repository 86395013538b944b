package accounts

import (
	"context"
	"strings"
	"time"

	"relay/report/api/act"
	"relay/report/api/field"
	"relay/store/remark"
	"relay/store/spooled"
)

// RemarksOf is the request for what receivers will hold against the mail of an account.
type RemarksOf struct {
	Account string `path:"account"`
	Days    int    `query:"days" minimum:"0" maximum:"40" doc:"Today and the days before it; 0: 7."`
}

// Remarks is what was seen of an account's mail as it came in, up to a minute ago.
type Remarks struct {
	Account string       `json:"account"`
	Remarks []Remark     `json:"remarks" doc:"The newest day first."`
	Sent    []SentTo     `json:"sent" doc:"To mailboxes of large providers, the newest day first."`
	Limits  RemarkLimits `json:"limits"`
}

// Remark is about mail of a day from one domain.
type Remark struct {
	Day     string    `json:"day" doc:"2006-01-02, in the operator's zone."`
	Domain  string    `json:"domain" doc:"In the From field; empty: further ones together."`
	Remark  string    `json:"remark" enum:"unsigned,spf-only,freemail,bulk,volume" doc:"Nothing proves the domain; only SPF does; only its provider can send from it; bulk without a way to unsubscribe; many to Gmail."`
	Count   int64     `json:"count" doc:"Messages; of volume recipients."`
	Policy  *string   `json:"policy" doc:"What the domain's DMARC record asks receivers to do: none, quarantine or reject; null: it has none, or that does not matter."`
	Last    time.Time `json:"last"`
	Message *string   `json:"message" doc:"ID of the last one."`
}

// SentTo counts recipients at a provider.
type SentTo struct {
	Day      string `json:"day"`
	Domain   string `json:"domain" doc:"In the From field."`
	Provider string `json:"provider"`
	Count    int64  `json:"count"`
}

// RemarkLimits are the figures from which on there are remarks.
type RemarkLimits struct {
	Volume int64 `json:"volume" doc:"Recipients at Gmail on a day."`
}

// Volume is the kind of a remark about many recipients at Gmail on a day.
const Volume = "volume"

const usualDays = 7

// ShowRemarks is the act that shows them.
var ShowRemarks = act.New(act.Spec{Name: "account remarks", Route: "GET /v1/accounts/{account}/remarks", Summary: "What receivers will hold against the mail of an account",
	May: act.Operator | act.Reseller}, remarks)

func remarks(ctx context.Context, s *act.Service, in *RemarksOf) (*Remarks, error) {
	if _, err := s.Account(ctx, in.Account); err != nil {
		return nil, err
	}
	days := in.Days
	if days == 0 {
		days = usualDays
	}
	from := s.Store.Now().In(s.Store.Zone()).AddDate(0, 0, 1-days).Format(time.DateOnly)
	list, err := s.Store.Remarks.Of(in.Account, from)
	if err != nil {
		return nil, err
	}
	v := &Remarks{Account: in.Account, Remarks: []Remark{}, Sent: []SentTo{}, Limits: RemarkLimits{remark.ManyAtGoogle}}
	for i := range list {
		v.add(&list[len(list)-1-i])
	}
	return v, nil
}

func (v *Remarks) add(r *remark.Remark) {
	one := Remark{Day: r.Day, Domain: r.Domain, Remark: r.Kind, Count: r.Count, Policy: field.OrNull(r.Policy), Last: r.Last}
	if r.Message != (spooled.ID{}) {
		id := r.Message.String()
		one.Message = &id
	}
	if provider, sent := strings.CutPrefix(r.Kind, remark.Sent); sent {
		v.Sent = append(v.Sent, SentTo{r.Day, r.Domain, provider, r.Count})
		if !r.NearsBulk() {
			return
		}
		one.Remark = Volume
	}
	v.Remarks = append(v.Remarks, one)
}
