package align

import (
	"context"
	"sync"
	"time"

	"relay/store/remark"
)

// A minute of messages is saved at once.
const saveEvery = time.Minute

// Run saves remarks until stop is closed, and once more then. What asks the DNS has ended
// when it returns.
func (j *Judge) Run(stop <-chan struct{}) {
	defer j.standings.close()
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for more := true; more; {
		patience := lookTime
		select {
		case <-tick.C:
		case <-stop:
			more, patience = false, Patience
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		j.Save(ctx)
		cancel()
	}
}

// Save stores what was counted. Domains of which the DNS says nothing until ctx is done are
// not remarked.
func (j *Judge) Save(ctx context.Context) {
	j.mu.Lock()
	claims, sent := j.book.take()
	j.mu.Unlock()
	list := append(j.remarks(ctx, claims), remarksOf(sent)...)
	if len(list) == 0 {
		return
	}
	now, err := j.st.Remarks.Keep(list)
	if err != nil {
		j.log.Warn("remarks about mail are not kept", "component", "smtp", "err", err)
		return
	}
	for i := range now {
		j.tellMany(&now[i], list[i].Count)
	}
}

// tellMany logs once a day that a domain nears what Gmail calls bulk.
func (j *Judge) tellMany(r *remark.Remark, more int64) {
	if r.NearsBulk() && r.Count-more < remark.ManyAtGoogle {
		j.log.Warn("a domain nears 5,000 messages a day to Gmail, which makes it a bulk sender there for good", "component", "smtp",
			"account", r.Account, "domain", r.Domain, "used", r.Count)
	}
}

// remarks judges claims, several at a time where the DNS has to be asked.
func (j *Judge) remarks(ctx context.Context, claims map[dayClaim]*tally) (list []remark.Remark) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	slots := make(chan struct{}, mostLooks)
	for c, t := range claims {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			v, err := j.judge(ctx, c.claim)
			if err != nil || v.kind == "" {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			list = append(list, remark.Remark{Account: c.account, Day: c.day, Kind: v.kind, Domain: c.from,
				Count: t.count, Last: t.last.UTC(), Message: t.message, Policy: v.policy})
		})
	}
	asking.Wait()
	return list
}

func remarksOf(sent map[dayRemark]*tally) (list []remark.Remark) {
	for r, t := range sent {
		list = append(list, remark.Remark{Account: r.account, Day: r.day, Kind: r.kind, Domain: r.domain,
			Count: t.count, Last: t.last.UTC(), Message: t.message})
	}
	return list
}
