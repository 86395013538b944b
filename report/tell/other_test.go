package tell

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"relay/report/letter/mimetree"
	"relay/report/words"
	"relay/store"
	"relay/store/books"
	"relay/store/news"
	"relay/store/spooled"
)

// otherReader reads messages by Python's email, and writes what it found in each.
const otherReader = `
import base64, email, email.policy, json, sys
def tree(p):
    if p.is_multipart():
        return p.get_content_subtype() + "[" + ", ".join(tree(x) for x in p.iter_parts()) + "]"
    return (p.get_content_type() + " " + (p.get_filename() or "")).strip()
out = []
for raw in json.load(sys.stdin):
    m = email.message_from_bytes(base64.b64decode(raw), policy=email.policy.default)
    out.append({"tree": tree(m), "subject": m["Subject"], "text": m.get_body(("plain",)).get_content(), "html": m.get_body(("related", "html")).get_content_type(),
        "defects": [str(d) for p in m.walk() for d in list(p.defects) + [x for f in p.values() for x in f.defects]]})
json.dump(out, sys.stdout)
`

// Another library reads the same in a mail as Go's does: parts, subject and text.
func TestWriter_otherLibrary(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	var raw []string
	var ours []mimetree.Node
	var subjects []string
	for _, l := range words.Languages {
		for _, k := range Kinds {
			if !k.HasWords() {
				continue
			}
			told := Sample(k.Name, noon, rome)
			told.Account.Notify, told.Account.Language = news.ChosenTopics(), string(l)
			told.Account.Reference = "רשימת תפוצה"
			mails, err := rossi().Write(told, spooled.ID{})
			if err != nil {
				t.Fatal(err)
			}
			head, tree := read(t, mails[0].Body)
			raw, ours, subjects = append(raw, base64.StdEncoding.EncodeToString(mails[0].Body)), append(ours, tree), append(subjects, subject(t, head))
		}
	}
	in, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", otherReader)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var theirs []struct {
		Tree, Subject, Text, HTML string
		Defects                   []string
	}
	if err := json.Unmarshal(out, &theirs); err != nil || len(theirs) != len(ours) {
		t.Fatalf("%d of %d, %v", len(theirs), len(ours), err)
	}
	for i, is := range theirs {
		text := strings.ReplaceAll(ours[i].Find("text/plain"), "\r\n", "\n")
		if is.Tree != ours[i].String() || is.Subject != subjects[i] || strings.ReplaceAll(is.Text, "\r\n", "\n") != text || len(is.Defects) > 0 {
			t.Errorf("%q: tree %s, want %s; defects %q\n%s", is.Subject, is.Tree, ours[i], is.Defects, is.Text)
		}
	}
}

// Addresses go out with their domain in A-labels; where no mail can go none does.
func TestWriter_Write_addresses(t *testing.T) {
	for contact, want := range map[string]struct {
		to, domain string
		utf8       bool
	}{
		"boss@Acme.example":   {"boss@acme.example", "acme.example", false},
		"boss@bücher.example": {"boss@xn--bcher-kva.example", "xn--bcher-kva.example", false},
		"jörg@acme.example":   {"jörg@acme.example", "acme.example", true},
		"boss@[192.0.2.7]":    {"boss@[192.0.2.7]", "[192.0.2.7]", false},
		"boss":                {}, "boss@": {}, "@acme.example": {}, "boss@acme.example\r\nBcc: all@evil.example": {}, "boss@a b": {}, "": {},
	} {
		told := Sample(news.Resumed, noon, rome)
		told.Account.Contact = contact
		mails, err := rossi().Write(told, spooled.ID{})
		if (len(mails) == 1) != (want.to != "") || err != nil {
			t.Errorf("%q: %d mails, %v", contact, len(mails), err)
			continue
		}
		for _, n := range mails {
			m := n.Message
			if to := m.Recipients[0]; to.Address != want.to || to.Domain != want.domain || m.SMTPUTF8 != want.utf8 || m.EightBit != want.utf8 || m.Sender != "" {
				t.Errorf("%s: %+v", contact, m)
			}
		}
	}
}

// Of an account of which next to nothing is known each kind can be told.
func TestWriter_Write_bare(t *testing.T) {
	for _, k := range Kinds {
		if !k.HasWords() {
			continue
		}
		told := &store.Told{News: news.Item{Kind: k.Name, Account: "acme", About: "x@dst.test"}, Account: books.Account{Name: "acme", Contact: "boss@acme.example", Notify: news.ChosenTopics()}}
		w := plain()
		w.Wrong = func(err error) { t.Errorf("%s: %v", k.Name, err) }
		if mails, err := w.Write(told, spooled.ID{}); err != nil || len(mails) == 0 {
			t.Errorf("%s: %d mails, %v", k.Name, len(mails), err)
		}
	}
}

// A command in a mail can be copied as it stands: it names what the mail is about, and has no
// placeholder and no gap, for any reader.
func TestWriter_Write_commands(t *testing.T) {
	gap := regexp.MustCompile(`\b[A-Z][A-Z0-9]*\b|<|  | $|--[a-z-]+ --`)
	seen := 0
	for _, k := range Kinds {
		if !k.HasWords() {
			continue
		}
		full := Sample(k.Name, noon, rome)
		full.Account.Notify = news.ChosenTopics()
		bare := &store.Told{News: news.Item{Kind: k.Name, Account: "acme", About: "x@dst.test"}, Account: books.Account{Name: "acme", Contact: "boss@acme.example", Notify: news.ChosenTopics()}}
		for _, told := range []*store.Told{full, bare} {
			for _, l := range words.Languages {
				w := rossi()
				w.Language, told.Account.Language = string(l), string(l)
				mails, err := w.Write(told, spooled.ID{})
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range mails {
					_, tree := read(t, m.Body)
					for line := range strings.Lines(tree.Find("text/plain")) {
						line = strings.TrimRight(line, "\r\n")
						if !strings.HasPrefix(line, "relay ") {
							continue
						}
						if seen++; gap.MatchString(line) {
							t.Errorf("%s in %s: %q", k.Name, l, line)
						}
					}
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no mail has a command")
	}
}
