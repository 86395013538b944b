package jobs

import (
	"slices"
	"testing"

	"relay/store/news"
)

// An account is named once, also where it is told of its use and of its logins. What a mail on
// logins leaves out is no tenth of anything.
func TestWatching_found(t *testing.T) {
	w := &Watching{}
	w.found("acme", &news.Item{Kind: news.AccessDaily, Step: 7})
	w.found("acme", &news.Item{Kind: news.Usage, Step: 3})
	w.found("blue", &news.Item{Kind: news.Near})
	w.found("cyan", &news.Item{Kind: news.AccessDaily, Step: 7})
	want := []Watched{{Account: "acme", Kind: "usage", Tenth: 3, Also: "access-daily"}, {Account: "blue", Kind: "near"}, {Account: "cyan", Kind: "access-daily"}}
	if !slices.Equal(w.Found, want) {
		t.Errorf("found %+v, want %+v", w.Found, want)
	}
}
