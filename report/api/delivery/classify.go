package delivery

import (
	"context"
	"strings"

	"relay/mailer/client"
	"relay/mailer/verdict"
	"relay/report/api/act"
)

// Reply is a reply of a next hop.
type Reply struct {
	MX    string `json:"mx" doc:"Host that said it; empty: any."`
	Stage string `json:"stage" doc:"What it was said to: connect, greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, content or end."`
	Reply string `json:"reply" doc:"With its codes; lines joined by a space, or by \\n."`
}

// Judgement is what a reply means.
type Judgement struct {
	Class    string `json:"class" enum:"delivered,deferred,failed"`
	Category string `json:"category" doc:"Empty of what was delivered."`
	Blame    string `json:"blame" doc:"Who must act: recipient, our source, pacing, message, sender's domain, account, remote or us, unknown."`
	Rule     string `json:"rule" doc:"Empty: no rule knew the reply."`
	Slows    string `json:"slows" doc:"What has to go slower: site, source or account; empty: nothing."`
	Suspend  int64  `json:"suspend_seconds" doc:"For which the site stops."`
	Wait     int64  `json:"wait_seconds" doc:"Until another attempt, as the reply names it."`
}

// Replies is the request to judge replies.
type Replies struct {
	Body struct {
		Replies []Reply `json:"replies" maxItems:"10000"`
	}
}

// Classify is the act that judges replies by the rules in force.
var Classify = act.New(act.Spec{Name: "delivery classify", Route: "POST /v1/delivery/classify", Summary: "What replies of next hops mean, and the rule that says so",
	May: act.Operator, Largest: 8 << 20}, classify)

func classify(_ context.Context, s *act.Service, in *Replies) (*[]Judgement, error) {
	rules, err := s.Verdicts()
	if err != nil {
		return nil, err
	}
	list := make([]Judgement, 0, len(in.Body.Replies))
	for i := range in.Body.Replies {
		v, err := in.Body.Replies[i].Judge(rules)
		if err != nil {
			return nil, err
		}
		list = append(list, *v)
	}
	return &list, nil
}

// Judge says what the reply means. It fails for an unknown stage.
func (s *Reply) Judge(rules *verdict.Rules) (*Judgement, error) {
	stage, ok := verdict.ParseStage(s.Stage)
	if !ok {
		return nil, act.Fail(act.Wrong, "stages are "+Stages(), "unknown stage %q", s.Stage)
	}
	v := view(rules.Judge(verdict.Parse(s.MX, stage, s.Reply)))
	return &v, nil
}

func view(v verdict.Verdict) Judgement {
	return Judgement{Class: string(v.Class), Category: string(v.Category), Blame: string(v.Blame), Rule: v.Rule,
		Slows: string(v.Slows), Suspend: int64(v.Suspend.Seconds()), Wait: int64(v.Wait.Seconds())}
}

// Stages returns the names of all stages, for people.
func Stages() string {
	var list []string
	for s := client.StageConnect; s <= client.StageQuit; s++ {
		list = append(list, s.String())
	}
	return strings.Join(list, ", ")
}
