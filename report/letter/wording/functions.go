package wording

import (
	"reflect"
	"text/template"

	"relay/report/words"
)

// Amount is money.
type Amount struct {
	Minor    int64
	Currency string
}

// functions that templates of a language may use.
func functions(lang string) template.FuncMap {
	l := words.Spoken(lang)
	return template.FuncMap{
		quoter:      quote,
		"number":    l.Number,
		"size":      l.Size,
		"octets":    l.Octets,
		"percent":   l.Percent,
		"share":     l.Share,
		"date":      l.Date,
		"shortdate": l.ShortDate,
		"day":       l.Day,
		"moment":    l.Moment,
		"clock":     l.Clock,
		"dateof":    l.DateOf,
		"month":     l.Month,
		"len64":     func(list any) int64 { return int64(reflect.ValueOf(list).Len()) },
		"money":     func(a Amount) string { return l.Money(a.Minor, a.Currency) },
		"plural":    l.Plural,
		"form":      l.Form,
		"failure":   l.Failure,
		"remedy":    l.FailureAdvice,
		"advice":    l.Advice,
		"remark":    l.Remark,
	}
}
