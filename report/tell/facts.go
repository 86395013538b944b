package tell

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"relay/quota"
	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/letter/wording"
	"relay/report/outlook"
	"relay/report/words"
	"relay/store"
	"relay/store/access"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/overview"
	"relay/store/remark"
	"relay/store/signs"
	"relay/store/standing"
)

// view is what the template of a mail to a reader may say.
func (w *Writer) view(r reader, t *store.Told) *View {
	v := &View{Language: words.Spoken(w.language(r, t)), Kind: string(r.kind.Name), About: t.News.About, Since: w.in(t.News.Since), Until: w.in(t.News.Until), Reason: t.News.Reason, Why: t.News.Why,
		Seller: w.Seller, Host: w.Host, Contact: w.Contact, Owner: r.role == Operator, Choosable: !r.kind.Must() && r.role != Operator,
		Account: Account{Name: t.Account.Name, Reference: t.Account.Reference}, Suspended: t.Account.Status() == ledger.Suspended, Closed: t.Account.State == ledger.Closed,
	}
	if v.Suspended {
		v.Account.State = cmp.Or(t.Account.Reason, v.Language.Hold(t.Account.Hold))
	}
	if t.Reseller != nil && !r.reseller && r.role != Operator && r.role != Desk {
		v.Resold, v.Seller, v.Contact = true, t.Reseller.Name, t.Reseller.Contact
		if v.Account.State = t.Account.Reason; v.Reason == string(ledger.CauseUnpaid) { // the invoice is the reseller's
			v.Reason = ""
		}
	}
	if r.role == Operator {
		v.Contact = ""
	}
	v.Seller = cmp.Or(invoice.Clean(v.Seller), invoice.Clean(v.Host))
	if r.kind.Name == news.Digest {
		v.Digest = *w.digestOr(SampleDigest(w.Now))
	}
	v.Warned = t.Warned
	if r.kind.Answers() {
		w.answer(v, r, t)
	}
	if t.News.Account == "" {
		return v
	}
	w.standing(v, &t.Standing)
	if t.Report != nil {
		w.report(v, t.Report)
	}
	if t.Signs != nil {
		v.Signs = signsView(t.Signs, v.Language)
	}
	v.Waits = Waits{Recipients: t.Waiting, Cap: int64(t.Cap), LastDay: w.in(t.LastDay)}
	if e := t.Entry; e != nil && t.News.Kind == news.Credit {
		v.Granted = Credit{units(e.Units, &t.Standing.Contract.Plan), quota.LastDay(e.Expires, w.Zone)}
	}
	w.money(v, t)
	if t.Ending != nil {
		w.ending(v, t.Ending)
	}
	if t.Domain != nil {
		v.Domain = w.domain(t.Domain, t.News.Reason)
	}
	w.access(v, &t.News)
	w.links(v, t)
	return v
}

// signsView is what came back, as templates have it.
func signsView(f *signs.Figures, lang words.Language) Signs {
	v := Signs{Sign: string(f.Sign), Window: string(f.Window), N: f.N, Of: f.Of, Count: f.Count, Share: f.Share,
		SuspendCount: f.Next.Count, SuspendShare: f.Next.Share}
	var places []string
	others := int64(0)
	for _, p := range f.Places {
		if p.Name == signs.OtherPlaces || p.Name == anyOther {
			others += p.N
			continue
		}
		places = append(places, fmt.Sprintf("%s %d", p.Name, p.N))
	}
	if others > 0 && len(places) > 0 {
		places = append(places, fmt.Sprintf("%s %d", otherProviders[lang], others))
	}
	v.Places = strings.Join(places, ", ")
	return v
}

// anyOther is the name of providers without a row of their own.
const anyOther = "any other"

// otherProviders are those without a name.
var otherProviders = map[words.Language]string{words.English: "others", words.German: "andere", words.Italian: "altri"}

// digestOr is the digest that was read, with times in the operator's zone; else an invented
// one.
func (w *Writer) digestOr(invented *Digest) *Digest {
	d := *invented
	if w.digest != nil {
		d = *w.digest
	}
	for _, at := range []*time.Time{&d.Day, &d.Certificate.Ends, &d.Queue.Oldest, &d.Backup} {
		*at = w.in(*at)
	}
	d.Trouble = d.Troubled()
	d.Sites, d.Jobs = slices.Clone(d.Sites), slices.Clone(d.Jobs)
	for i := range d.Sites {
		d.Sites[i].Until = w.in(d.Sites[i].Until)
	}
	for i := range d.Jobs {
		d.Jobs[i].Since = w.in(d.Jobs[i].Since)
	}
	return &d
}

func (w *Writer) in(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(w.Zone)
}

// links that the operator has set; a reseller has others, which relay does not know.
func (w *Writer) links(v *View, t *store.Told) {
	if v.Resold {
		return
	}
	if w.Guides != "" {
		v.Guides = strings.TrimRight(w.Guides, "/") + "/" + string(v.Language)
	}
	how := []string{v.Account.Name, v.Plan.Name}
	v.UpgradeLink = letter.HowToChange.FillLink(w.UpgradeLink, how...)
	v.ChoiceLink = letter.HowToChange.FillLink(w.ChoiceLink, how...)
	v.AccessLink = letter.HowToChange.FillLink(w.AccessLink, how...)
}

// standing is what holds now: the plan, and what happens at its limit.
func (w *Writer) standing(v *View, st *standing.Standing) {
	p := st.Contract.Plan
	v.Plan = planOf(&p)
	most := st.MayOver()
	v.Limit = Limit{Continues: most > 0, CanContinue: most == 0 && p.Allows(quota.Continue), TopUp: p.Kind() == quota.Count && p.Term == quota.Year}
	if st.Goes {
		v.Limit.Renewed = w.in(st.Period.End)
	}
	v.Term = Term{Running: st.InTerm, Days: st.Contract.BeforeEnd(w.Now, w.Zone), Days30: p.Term == quota.Month}
	if !st.TermEnd.IsZero() {
		v.Term.LastDay = quota.LastDay(st.TermEnd, w.Zone)
	}
}

func planOf(p *quota.Plan) Plan {
	is := Plan{Name: p.Name, Days30: p.Term == quota.Month}
	is.Emails, _ = quota.Limit(p.Emails)
	is.Bandwidth, _ = quota.Limit(p.Bandwidth)
	return is
}

// report is the use of a period.
func (w *Writer) report(v *View, r *overview.Report) {
	v.Plan = planOf(&r.Contract.Plan)
	v.Use = w.useOf(r)
	if b := r.Before; b != nil {
		v.Before = Use{Period: b.Period, Emails: b.Charged.Messages, Bytes: b.Charged.Bytes, Delivered: b.Delivered, Failed: b.Failed, Queued: b.Queued,
			Bounced: b.Bounced, Complained: b.Complained}
	}
	v.Over = w.overOf(v, r)
	v.Forecast = w.forecast(v.Use, r)
	v.Failures = failures(r.Days, r.DaysBefore)
	v.Providers = providers(r.Days)
	v.Remarks = remarks(r.Remarks)
	v.Logins = w.logins(r.Logins)
	v.ErrorCount, v.ErrorsAttached = r.ErrorCount, int64(len(r.Errors))
	for _, e := range r.Errors[:min(len(r.Errors), shownErrors)] {
		v.Errors = append(v.Errors, Error{e.Recipient, e.Category, e.Count, w.in(e.Last), e.Advice})
	}
	v.Today = today(v.About, r.Days)
}

// How much of a list a mail shows.
const (
	shownErrors    = 10
	shownProviders = 6
	shownRemarks   = 6
	shownLogins    = 10
	shownPlaces    = 3
)

// today is the day that a daily report names, else the last one with mail.
func today(about string, days []overview.Day) (d Day) {
	for _, one := range days {
		if d.Day < one.Day {
			d = Day{one.Day, one.Emails, one.Bytes}
		}
		if strings.HasSuffix(about, one.Day) {
			break
		}
	}
	return d
}

// heavyWeight is the average of an e-mail above which a hint is given.
const heavyWeight = 100_000

func (w *Writer) useOf(r *overview.Report) Use {
	used := r.Usage.Charged
	u := Use{Period: r.Period.Key, Emails: used.Messages, Bytes: used.Bytes, EmailsPercent: -1, BytesPercent: -1,
		Delivered: r.Usage.Delivered, Deferred: r.Usage.Deferred, Queued: r.Usage.Queued, Failed: r.Usage.Failed,
		Bounced: r.Usage.Bounced, Complained: r.Usage.Complained, Credits: w.credits(r)}
	if !r.Period.End.IsZero() {
		u.LastDay = quota.LastDay(r.Period.End, w.Zone)
	}
	if used.Messages > 0 {
		u.Weight = used.Bytes / used.Messages
		u.Heavy = u.Weight > heavyWeight
	}
	if most, ok := quota.Limit(r.Plan.Emails); ok {
		u.EmailsMax, u.EmailsPercent = most, share(used.Messages, most)
		u.Part, u.Whole = used.Messages, most
	}
	if most, ok := quota.Limit(r.Plan.Bandwidth); ok {
		u.BytesMax, u.BytesPercent = most, share(used.Bytes, most)
		if u.BytesPercent >= u.EmailsPercent {
			u.Part, u.Whole = used.Bytes, most
		}
	}
	return u
}

// share in percent, rounded down; of nothing it is all.
func share(part, whole int64) int {
	if whole <= 0 {
		return 100
	}
	return int(min(float64(part)/float64(whole)*100, 1e6))
}

// credits are lots without what the period has drawn from them so far.
func (w *Writer) credits(r *overview.Report) (list []Credit) {
	drawn := r.Use.Drawn
	for _, l := range r.Lots {
		from := min(drawn, l.Amount)
		drawn -= from
		if left := l.Amount - from; left > 0 {
			list = append(list, Credit{units(left, &r.Plan), quota.LastDay(l.Expires, w.Zone)})
		}
	}
	return list
}

func units(n int64, p *quota.Plan) Units { return Units{n, p.Kind() == quota.Bandwidth} }

func (w *Writer) overOf(v *View, r *overview.Report) Over {
	o := Over{Amount: units(r.Use.Overage, &r.Plan)}
	if r.MayOver == quota.Endless {
		o.Endless = true
	} else {
		o.Ceiling = units(r.MayOver, &r.Plan)
		o.Percent = share(o.Amount.N, max(r.MayOver, 1))
	}
	if !v.Resold {
		o.Cost = wording.Amount{Minor: r.OverCost, Currency: r.Currency}
	}
	return o
}

// forecast by the limit that is nearer.
func (w *Writer) forecast(u Use, r *overview.Report) (f Forecast) {
	now, end := w.Now.In(w.Zone), r.Period.End
	if u.Whole == 0 || !now.Before(end) || u.Part >= u.Whole {
		return f
	}
	var days []outlook.Day
	bytes := u.Whole == u.BytesMax && u.Part == u.Bytes
	for _, d := range r.Recent {
		used := d.Emails
		if bytes {
			used = d.Bytes
		}
		days = append(days, outlook.Day{Day: d.Day, Used: used})
	}
	var runsOut bool
	f.Day, f.Earliest, f.Latest, runsOut = outlook.Of(days, now, end.In(w.Zone), u.Part, u.Whole)
	f.RunsOut, f.Lasts = runsOut, !runsOut && len(days) >= knownDays
	if f.Open = runsOut && f.Latest.IsZero(); f.Open {
		f.Latest = u.LastDay
	}
	f.Range = runsOut && !f.Earliest.Equal(f.Latest)
	return f
}

// knownDays are enough to say that the allowance lasts.
const knownDays = 7

// failures by category, the most frequent first, with those of the period before.
func failures(days, before []overview.Day) (list []Failure) {
	sum, was := map[string]int64{}, map[string]int64{}
	for i, of := range [][]overview.Day{days, before} {
		for _, d := range of {
			for category, n := range d.Failed {
				[]map[string]int64{sum, was}[i][category] += n
			}
		}
	}
	for category, n := range sum {
		list = append(list, Failure{category, n, was[category]})
	}
	slices.SortFunc(list, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Category, b.Category))
	})
	return list
}

// providers that most mail went to.
func providers(days []overview.Day) (list []Provider) {
	sum := map[string]Provider{}
	for _, d := range days {
		for name, p := range d.Providers {
			s := sum[name]
			sum[name] = Provider{name, s.Delivered + p.Delivered, s.Deferred + p.Deferred, s.Failed + p.Failed}
		}
	}
	delete(sum, "other")
	delete(sum, "route") // a smarthost's: it says nothing of who received the mail
	for _, p := range sum {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Provider) int {
		return cmp.Or(cmp.Compare(b.Delivered+b.Failed, a.Delivered+a.Failed), strings.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), shownProviders)]
}

// volume is the kind of a remark about many recipients at Gmail on a day.
const volume = "volume"

// remarks of all days by what they say; of a domain's volume the day with most counts.
func remarks(all []remark.Remark) (list []Remark) {
	for _, r := range all {
		if strings.HasPrefix(r.Kind, remark.Sent) {
			if !r.NearsBulk() {
				continue // a count, and no fault
			}
			r.Kind = volume
		}
		i := slices.IndexFunc(list, func(is Remark) bool { return is.Kind == r.Kind && is.Domain == r.Domain })
		switch {
		case i < 0:
			list = append(list, Remark{r.Kind, r.Domain, r.Policy, r.Count})
		case r.Kind == volume:
			list[i].Count = max(list[i].Count, r.Count)
		default:
			list[i].Count += r.Count
			list[i].Policy = r.Policy
		}
	}
	slices.SortStableFunc(list, func(a, b Remark) int { return cmp.Compare(b.Count, a.Count) })
	return list[:min(len(list), shownRemarks)]
}

func (w *Writer) logins(all []overview.LoginUse) (list []Login) {
	all = slices.DeleteFunc(slices.Clone(all), func(l overview.LoginUse) bool { return l.Last.IsZero() })
	for _, l := range all[:min(len(all), shownLogins)] {
		is := Login{Name: l.Login, Last: w.in(l.Last)}
		for _, p := range l.Places[:min(len(l.Places), shownPlaces)] {
			is.Places = append(is.Places, access.NetworkText(p.Network))
		}
		list = append(list, is)
	}
	return list
}
