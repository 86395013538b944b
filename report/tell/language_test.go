package tell

import (
	"slices"
	"strings"
	"testing"

	"relay/report/letter/wording"
	"relay/report/words"
	"relay/store"
	"relay/store/news"
	"relay/store/spooled"
)

// Each kind and each edge in German and Italian says what its golden file has. Edges differ
// from kinds in what they say, not in how HTML is made of it.
func TestWriter_golden_languages(t *testing.T) {
	t.Parallel()
	for _, l := range words.Languages[1:] {
		cases := edges()
		for _, k := range Kinds {
			cases[string(k.Name)] = edge{k.Name, rossi(), func(*store.Told) {}}
		}
		for _, name := range sorted(cases) {
			c := cases[name]
			if !slices.Contains(wording.Names(), string(c.kind)) {
				continue
			}
			told := Sample(c.kind, noon, rome)
			told.Account.Notify, told.Account.Language = news.ChosenTopics(), string(l)
			c.change(told)
			c.writer.Language = string(l)
			c.writer.Wrong = func(err error) { t.Errorf("%s in %s: %v", name, l, err) }
			mails, err := c.writer.Write(told, spooled.ID{})
			if err != nil || len(mails) == 0 {
				t.Errorf("%s in %s: %d mails, %v", name, l, len(mails), err)
				continue
			}
			head, tree := read(t, mails[0].Body)
			text, html := tree.Find("text/plain"), tree.Find("text/html")
			golden(t, name+"."+string(l)+".txt", "Subject: "+subject(t, head)+"\n\n"+text)
			if _, kind := Find(news.Kind(name)); kind {
				golden(t, name+"."+string(l)+".html", html)
			}
			for _, english := range []string{" the ", "e-mails", " of ", " until ", "an hour", "days"} {
				if strings.Contains(text, english) && !strings.Contains(name, "hostile") && !ofOthers(text, english) {
					t.Errorf("%s in %s has English in it, %q:\n%s", name, l, english, text)
				}
			}
		}
	}
}

// ofOthers reports whether words of a text stand only in lines that relay passes on as they
// are: replies, and what the operator has set.
func ofOthers(text, part string) bool {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) && !strings.Contains(line, "email account") && !strings.Contains(line, "By bank transfer") && !strings.Contains(line, "with the text") {
			return false
		}
	}
	return true
}
