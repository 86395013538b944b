package clean

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// bad are the addresses that go in the tests.
func bad(t testing.TB) Entries {
	t.Helper()
	list := Entries{}
	for _, a := range []string{"Bad@X.example", "worse@x.example", "jörg@bücher.example", "=cmd@x.example", `"jo doe"@x.example`, "bcc@bücher.example"} {
		list.Add(a, Entry{"InvalidRecipient", "2026-11-23T09:00:00Z"})
	}
	if len(list) != 6 {
		t.Fatalf("%d entries", len(list))
	}
	return list
}

// cleaned is what became of a list.
type cleaned struct {
	kept    string
	removed []string // "line address reason"
	*Result
}

func run(t testing.TB, in io.Reader, o Options) (cleaned, error) {
	t.Helper()
	var kept, gone bytes.Buffer
	if o.Entries == nil {
		o.Entries = bad(t)
	}
	res, err := Run(in, &kept, &gone, o)
	if err != nil {
		return cleaned{}, err
	}
	rows, err := csv.NewReader(&gone).ReadAll()
	if err != nil || len(rows) == 0 || strings.Join(rows[0], ",") != "line,address,reason,date" {
		t.Fatalf("removals %q, %v", rows, err)
	}
	out := cleaned{kept: kept.String(), Result: res}
	for _, row := range rows[1:] {
		if want := "2026-11-23T09:00:00Z"; row[3] != want && row[2] != Duplicate {
			t.Errorf("date %q, want %q", row[3], want)
		}
		out.removed = append(out.removed, strings.Join(row[:3], " "))
	}
	return out, nil
}

func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		in, kept string
		removed  []string
		column   int
		o        Options
	}{
		"CSV":                   {"name,email\nJo,jo@x.example\nBa,bad@x.example\nAl,al@x.example\n", "name,email\nJo,jo@x.example\nAl,al@x.example\n", []string{"3 bad@x.example"}, 2, Options{}},
		"semicolons, CRLF":      {"email;n\r\njo@x.example;1\r\nBAD@X.EXAMPLE;2\r\n\r\nal@x.example;3", "email;n\r\njo@x.example;1\r\n\r\nal@x.example;3", []string{"3 bad@x.example"}, 1, Options{}},
		"tabs, no header":       {"1\tjo@x.example\n2\tworse@x.example\n", "1\tjo@x.example\n", []string{"2 worse@x.example"}, 2, Options{}},
		"bars":                  {"1|jo@x.example\n2|worse@x.example\n", "1|jo@x.example\n", []string{"2 worse@x.example"}, 2, Options{}},
		"CR alone":              {"n;email\r1;jo@x.example\r2;bad@x.example\r3;al@x.example", "n;email\r1;jo@x.example\r3;al@x.example", []string{"3 bad@x.example"}, 2, Options{}},
		"CR, LF in a cell":      {"n;email\r\"a\nb\";jo@x.example\r\"c\nd\";bad@x.example\r3;al@x.example\r", "n;email\r\"a\nb\";jo@x.example\r3;al@x.example\r", []string{"4 bad@x.example"}, 2, Options{}},
		"quotes":                {"n,email\n\"a \"\"b\"\", c\",\"jo@x.example\"\n\"d\ne, f\", \"bad@x.example\" \n", "n,email\n\"a \"\"b\"\", c\",\"jo@x.example\"\n", []string{"3 bad@x.example"}, 2, Options{}},
		"ragged":                {"n,email\n1\n2,bad@x.example\n3,jo@x.example,x,y\n,\n4,al@x.example", "n,email\n1\n3,jo@x.example,x,y\n,\n4,al@x.example", []string{"3 bad@x.example"}, 2, Options{}},
		"a stray quote":         {"n;email\n\"1;jo@x.example\n\"2\";bad@x.example\n3\";al@x.example\n", "n;email\n\"1;jo@x.example\n3\";al@x.example\n", []string{"3 bad@x.example"}, 2, Options{}},
		"MySQL's quotes":        {"n,email\n\"a \\\"b, c\\\" d\",bad@x.example\n\"C:\\\",jo@x.example\n", "n,email\n\"C:\\\",jo@x.example\n", []string{"2 bad@x.example"}, 2, Options{}},
		"Excel's first line":    {"sep=;\nn;email\n1;bad@x.example\n", "sep=;\nn;email\n", []string{"3 bad@x.example"}, 2, Options{}},
		"plain":                 {"jo@x.example\n bad@x.example \nal@x.example\n", "jo@x.example\nal@x.example\n", []string{"2 bad@x.example"}, 1, Options{}},
		"plain, all goes":       {"bad@x.example", "", []string{"1 bad@x.example"}, 1, Options{}},
		"names":                 {"Jo <jo@x.example>\n\"Bad, B.\" <bad@x.example>\nDoe, Jane <worse@x.example>\nAl <al@x.example>\n", "Jo <jo@x.example>\nAl <al@x.example>\n", []string{"2 bad@x.example", "3 worse@x.example"}, 1, Options{}},
		"comments":              {"# bad@x.example\njo@x.example # was bad@x.example\nbad@x.example # old\n\n", "# bad@x.example\njo@x.example # was bad@x.example\n\n", []string{"3 bad@x.example"}, 1, Options{}},
		"several in a cell":     {"bad@x.example, worse@x.example\nbad@x.example; jo@x.example\njo@x.example al@x.example\n", "bad@x.example; jo@x.example\njo@x.example al@x.example\n", []string{"1 bad@x.example", "1 worse@x.example"}, 1, Options{}},
		"mailto":                {"mailto:bad@x.example\n<worse@x.example>\njo@x.example\n", "jo@x.example\n", []string{"1 bad@x.example", "2 worse@x.example"}, 1, Options{}},
		"domains beyond ASCII":  {"bcc@xn--bcher-kva.example\nBCC@BÜCHER.example\njo@bücher.example\n", "jo@bücher.example\n", []string{"1 bcc@xn--bcher-kva.example", "2 bcc@xn--bcher-kva.example"}, 1, Options{}},
		"Latin-1":               {"n;email\nM\xfcller;jo@x.example\nx;J\xd6RG@b\xfccher.example\nM\xfcller;al@x.example\n", "n;email\nM\xfcller;jo@x.example\nM\xfcller;al@x.example\n", []string{"3 jörg@xn--bcher-kva.example"}, 2, Options{}},
		"byte order mark":       {"\ufeff\"email\";n\njo@x.example;1\nbad@x.example;2\n", "\ufeff\"email\";n\njo@x.example;1\n", []string{"3 bad@x.example"}, 1, Options{}},
		"a formula":             {"email\n'=cmd@x.example\njo@x.example\n", "email\njo@x.example\n", []string{"2 '=cmd@x.example"}, 1, Options{}},
		"a quoted local part":   {"\"jo doe\"@x.example\njo@x.example\n", "jo@x.example\n", []string{"1 \"jo doe\"@x.example"}, 1, Options{}},
		"one of two columns":    {"from,email\nbad@x.example,jo@x.example\nbad@x.example,al@x.example\n", "from,email\nbad@x.example,jo@x.example\nbad@x.example,al@x.example\n", nil, 2, Options{}},
		"the column by name":    {"email,other\njo@x.example,bad@x.example\n", "email,other\n", []string{"2 bad@x.example"}, 2, Options{Column: "OTHER"}},
		"the column by number":  {"email,other\njo@x.example,bad@x.example\n", "email,other\n", []string{"2 bad@x.example"}, 2, Options{Column: "2"}},
		"nothing":               {"", "", nil, 1, Options{}},
		"a header alone":        {"n;E-Mail\n", "n;E-Mail\n", nil, 2, Options{}},
		"repeats stay":          {"jo@x.example\n\njo@x.example\n\n", "jo@x.example\n\njo@x.example\n\n", nil, 1, Options{}},
		"repeats go":            {"email,n\njo@x.example,1\n\nJo@X.example,2\nal@x.example,3\n\njo@x.example,4", "email,n\njo@x.example,1\n\nal@x.example,3\n\n", []string{"4 jo@x.example", "7 jo@x.example"}, 1, Options{Dedupe: true}},
		"two, in part repeated": {"jo@x.example\nal@x.example jo@x.example\nal@x.example\n", "jo@x.example\nal@x.example jo@x.example\n", []string{"3 al@x.example"}, 1, Options{Dedupe: true}},
	} {
		for _, read := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			got, err := run(t, read(strings.NewReader(c.in)), c.o)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			reason := " InvalidRecipient"
			if c.o.Dedupe {
				reason = " duplicate"
			}
			var want []string
			for _, row := range c.removed {
				want = append(want, row+reason)
			}
			if got.kept != c.kept || !slices.Equal(got.removed, want) || got.Column != c.column {
				t.Errorf("%s: column %d, kept %q, removed %q; want column %d, kept %q, removed %q", name, got.Column, got.kept, got.removed, c.column, c.kept, want)
			}
		}
	}
}

func TestRun_result(t *testing.T) {
	in := "name;email;private\n\nBa;bad@x.example;a@x.example\nBo;bad@x.example, jo@x.example;b@x.example\n;;\nJo;jo@x.example;\nJo;jo@x.example;"
	got, err := run(t, strings.NewReader(in), Options{Dedupe: true})
	if err != nil {
		t.Fatal(err)
	}
	want := &Result{Encoding: UTF8, Separator: ';', Column: 2, Name: "email", Others: []string{"private"},
		Lines: 7, Addresses: 4, Removed: 3, Duplicates: 2, Reasons: map[string]int64{"InvalidRecipient": 1, Duplicate: 2}, Mixed: 1, Beside: []int64{4}}
	if !reflect.DeepEqual(got.Result, want) {
		t.Errorf("%+v, want %+v", got.Result, want)
	}
}

// Text of UTF-16, with a byte order mark or without, becomes UTF-8.
func TestRun_utf16(t *testing.T) {
	text := "n\temail\r\nMüller 😀\tjo@x.example\r\nx\tjörg@bücher.example\r\n"
	for name, order := range map[string][2]int{UTF16LE: {0, 8}, UTF16BE: {8, 0}} {
		for _, mark := range []string{"\ufeff", ""} {
			var in []byte
			for _, u := range utf16.Encode([]rune(mark + text)) {
				in = append(in, byte(u>>order[0]), byte(u>>order[1]))
			}
			got, err := run(t, iotest.OneByteReader(bytes.NewReader(in)), Options{})
			if want := utf8BOM + "n\temail\r\nMüller 😀\tjo@x.example\r\n"; err != nil || got.Encoding != name || got.kept != want {
				t.Errorf("%s: %v, %+v", name, err, got)
			}
			if _, err := run(t, bytes.NewReader(in[:len(in)-1]), Options{}); !errors.Is(err, ErrUTF16) && mark != "" {
				t.Errorf("%s, cut: %v", name, err)
			}
		}
	}
	if _, err := run(t, strings.NewReader("\xff\xfea\x00\x00\xdca\x00"), Options{}); !errors.Is(err, ErrUTF16) {
		t.Errorf("half a character: %v", err)
	}
}

func TestRun_refuses(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, c := range map[string]struct {
		in     io.Reader
		column string
		want   error
	}{
		"a workbook":     {strings.NewReader("PK\x03\x04x"), "", ErrWorkbook},
		"packed":         {strings.NewReader("\x1f\x8b\x08"), "", ErrPacked},
		"binary":         {strings.NewReader("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00bad@x.example"), "", ErrBinary},
		"UTF-32":         {strings.NewReader("\xff\xfe\x00\x00a\x00\x00\x00"), "", ErrBinary},
		"no addresses":   {strings.NewReader("a,b\nc,d\n"), "", ErrNoAddresses},
		"a long line":    {io.MultiReader(strings.NewReader("jo@x.example\n"), strings.NewReader(strings.Repeat("a", 3<<20))), "", ErrLongLine},
		"a broken disk":  {io.MultiReader(strings.NewReader("jo@x.example\nal@x.example"), iotest.ErrReader(broken)), "", broken},
		"it breaks late": {io.MultiReader(strings.NewReader(strings.Repeat("jo@x.example\n", 100_000)), iotest.ErrReader(broken)), "", broken},
	} {
		if _, err := run(t, c.in, Options{Column: c.column}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, column := range []string{"mail", "0", "3", "-1", "99999999999999999999"} {
		_, err := run(t, strings.NewReader("n,email\n1,jo@x.example\n"), Options{Column: column})
		if no, ok := errors.AsType[*NoColumn](err); !ok || no.Column != column || !slices.Equal(no.Columns, []string{"n", "email"}) {
			t.Errorf("column %s: %v", column, err)
		}
	}
}

// A disk that is full fails the run.
func TestRun_fullDisk(t *testing.T) {
	full := errors.New("no space left")
	for _, c := range []struct{ kept, removed io.Writer }{{&short{full}, io.Discard}, {io.Discard, &short{full}}} {
		if _, err := Run(strings.NewReader("jo@x.example\nbad@x.example\n"), c.kept, c.removed, Options{Entries: bad(t)}); !errors.Is(err, full) {
			t.Errorf("%v, want %v", err, full)
		}
	}
}

// short is a writer that fails.
type short struct{ error }

func (s *short) Write([]byte) (int, error) { return 0, s.error }

// Whatever a list holds: its records put together are the list, those that are not
// removed are what is kept, octet for octet, and the pieces in which it is read do not
// matter.
func FuzzRun(f *testing.F) {
	for _, in := range []string{
		"n,email\n1,bad@x.example\n\"2\n\",jo@x.example", "jo@x.example\rbad@x.example\r", "\ufeffbad@x.example\r\n\"", "a;\"b\"\";bad@x.example\n\";x;worse@x.example\r\n",
		"sep=|\na|bad@x.example\n", "\xff\xfeb\x00a\x00d\x00@\x00x\x00", "Jo <bad@x.example>, \"a\\\" b\" <jo@x.example>\n#\n",
	} {
		f.Add(in, false)
		f.Add(in, true)
	}
	f.Fuzz(func(t *testing.T, in string, dedupe bool) {
		got, err := run(t, strings.NewReader(in), Options{Dedupe: dedupe})
		slow, slowErr := run(t, iotest.OneByteReader(strings.NewReader(in)), Options{Dedupe: dedupe})
		if fmt.Sprint(err) != fmt.Sprint(slowErr) || err == nil && !reflect.DeepEqual(got, slow) {
			t.Fatalf("%v %+v, in pieces %v %+v", err, got, slowErr, slow)
		}
		if err != nil || got.Encoding == UTF16LE || got.Encoding == UTF16BE {
			return
		}
		gone := map[string]bool{}
		for _, row := range got.removed {
			line, _, _ := strings.Cut(row, " ")
			gone[line] = true
		}
		all, kept := recordsOf(t, in, &got, gone)
		if all != in || kept != got.kept || len(gone) > 0 || got.Removed < got.Duplicates {
			t.Fatalf("records %q, kept %q, want %q, not found %v", all, got.kept, kept, gone)
		}
	})
}

// recordsOf puts together the records of a list, all and those that stay, and takes those
// that it finds out of gone.
func recordsOf(t *testing.T, in string, is *cleaned, gone map[string]bool) (all, kept string) {
	t.Helper()
	if rest, ok := strings.CutPrefix(in, utf8BOM); ok {
		all, kept, in = utf8BOM, utf8BOM, rest
	}
	l, err := layoutOf([]byte(in), true, "")
	if err != nil || l.sep != is.Separator {
		t.Fatal(err)
	}
	lost := maps.Clone(gone)
	for r := (&reader{in: strings.NewReader(in), dialect: l.dialect}); ; {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return all, kept
		}
		if err != nil {
			t.Fatal(err)
		}
		all += string(rec.raw)
		if line := strconv.FormatInt(rec.line, 10); lost[line] {
			delete(gone, line)
			continue
		}
		kept += string(rec.raw)
	}
}

// What encoding/csv writes is read as it reads it.
func FuzzReader(f *testing.F) {
	f.Add("a", "b \"c\"\nd", " e", ";")
	f.Add("\r", "\"", "", ",")
	f.Fuzz(func(t *testing.T, a, b, c, sep string) {
		if len(sep) != 1 || sep == "|" || bytes.IndexByte(separators[1:], sep[0]) < 0 || strings.Contains(a+b+c, "\\\"") {
			return
		}
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.Comma = rune(sep[0])
		if w.Write([]string{"x", a, b, c}) != nil || w.Write([]string{c, b, a, "y"}) != nil {
			return
		}
		w.Flush()
		r := &reader{in: &text, dialect: dialect{sep: sep[0]}}
		for _, want := range [][]string{{"x", a, b, c}, {c, b, a, "y"}} {
			rec, err := r.next()
			if err != nil || len(rec.fields) != len(want) {
				t.Fatalf("%v, %q", err, rec.raw)
			}
			for i := range want {
				if got := r.text(rec, i); got != inUTF8([]byte(strings.TrimSpace(want[i]))) && strings.TrimSpace(got) != strings.TrimSpace(want[i]) {
					t.Errorf("field %d of %q is %q, want %q", i, rec.raw, got, want[i])
				}
			}
		}
	})
}

// Both lists of errors are read, that of relay errors and that of a month's report; only what
// they advise to remove goes.
func TestReadEntries(t *testing.T) {
	for _, text := range []string{
		"recipient,category,class,code,enhanced,reply,source,first,last,count,advice,message_id\n" +
			"Gone@X.example,InvalidRecipient,failed,550,5.1.1,no,smtp,2026-11-20T09:00:00Z,2026-11-23T09:00:00Z,2,remove,<1@a.example>\n" +
			"full@x.example,QuotaIssues,failed,452,4.2.2,full,smtp,2026-11-20T09:00:00Z,2026-11-23T09:00:00Z,2,watch,\n" +
			"'=1@x.example,BadDomain,failed,,,\"no, none\",smtp,2026-11-20T09:00:00Z,2026-11-24T09:00:00Z,2,remove,\n",
		utf8BOM + "recipient,advice,category,reason,code,reply,first,last,count,source,message_id\r\n" +
			"gone@x.example,remove,InvalidRecipient,x,550 5.1.1,no,x,2026-11-23T09:00:00Z,1,smtp,\r\n" +
			"'=1@x.example,remove,BadDomain,x,,no,x,2026-11-24T09:00:00Z,1,smtp,\r\njo@x.example,not-yours,SpamContent,x,,no,x,x,1,smtp,\r\n",
	} {
		got, err := ReadEntries(strings.NewReader(text))
		want := Entries{"gone@x.example": {"InvalidRecipient", "2026-11-23T09:00:00Z"}, "=1@x.example": {"BadDomain", "2026-11-24T09:00:00Z"}}
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%v, %v", got, err)
		}
	}
	for _, text := range []string{"", "jo@x.example\n", "recipient,category,last\n", "recipient,category,advice,last\na,b\n", "recipient,category,advice,last\n\"a"} {
		if _, err := ReadEntries(strings.NewReader(text)); !errors.Is(err, ErrNoEntries) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
