package money

import (
	"math"
	"strings"
	"testing"

	"github.com/bojanz/currency"
	"pgregory.net/rapid"

	"relay/quota"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		minor                 int64
		code                  string
		format, number, plain string
	}{
		{1250, "EUR", "EUR 12.50", "12.50", "12.50"},
		{0, "EUR", "EUR 0.00", "0.00", "0.00"},
		{5, "USD", "USD 0.05", "0.05", "0.05"},
		{-123456789, "EUR", "-EUR 1,234,567.89", "-1,234,567.89", "-1234567.89"},
		{1250, "JPY", "JPY 1,250", "1,250", "1250"},
		{1250500, "KWD", "KWD 1,250.500", "1,250.500", "1250.500"},
		{math.MinInt64, "EUR", "-EUR 92,233,720,368,547,758.08", "-92,233,720,368,547,758.08", "-92233720368547758.08"},
		{7, "XXL", "7 minor units XXL", "7 minor units XXL", "7 minor units XXL"},
		{7, "", "7 minor units", "7 minor units", "7 minor units"},
	} {
		if got := Format(c.minor, c.code); got != c.format {
			t.Errorf("Format(%d, %q) = %q, want %q", c.minor, c.code, got, c.format)
		}
		if got := Number(c.minor, c.code); got != c.number {
			t.Errorf("Number(%d, %q) = %q, want %q", c.minor, c.code, got, c.number)
		}
		if got := Plain(c.minor, c.code); got != c.plain {
			t.Errorf("Plain(%d, %q) = %q, want %q", c.minor, c.code, got, c.plain)
		}
	}
}

func TestKnown(t *testing.T) {
	for code, want := range map[string]bool{"EUR": true, "JPY": true, "eur": false, "": false, "EURO": false, "ABC": false} {
		if got := Known(code); got != want {
			t.Errorf("Known(%q) = %v, want %v", code, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, code string
		want       int64
	}{
		{"12.50", "EUR", 1250}, {"12,50", "EUR", 1250}, {"EUR 12.50", "EUR", 1250}, {"eur12,50", "EUR", 1250},
		{"12.50 EUR", "EUR", 1250}, {"€12.50", "EUR", 1250}, {"12,50 €", "EUR", 1250}, {"$ 12.5", "USD", 1250},
		{"  12 ", "EUR", 1200}, {"0", "EUR", 0}, {"0,05", "EUR", 5}, {"007.00", "EUR", 700},
		{"1,234.50", "EUR", 123450}, {"1.234,50", "EUR", 123450}, {"1 234,50", "EUR", 123450},
		{"1'234.50", "EUR", 123450}, {"1’234.50", "EUR", 123450}, {"EUR\u00a01\u202f234,50", "EUR", 123450},
		{"1,234,567", "EUR", 123456700}, {"1.234.567", "EUR", 123456700}, {"1234567", "EUR", 123456700},
		{"-12.50", "EUR", -1250}, {"−12.50", "EUR", -1250}, {"EUR -12.50", "EUR", -1250}, {"-EUR 12.50", "EUR", -1250}, {"- 12.50 €", "EUR", -1250},
		{"1250", "JPY", 1250}, {"¥1,250", "JPY", 1250}, {"1 250", "JPY", 1250}, {"1,234,567", "JPY", 1234567},
		{"1.250", "KWD", 1250}, {"1,25", "KWD", 1250}, {"1,250.500", "KWD", 1250500}, {"KWD 1.250,500", "KWD", 1250500}, {"0,500", "KWD", 500},
		{"92233720368547758.07", "EUR", math.MaxInt64}, {"-92233720368547758.08", "EUR", math.MinInt64},
	} {
		if got, err := Parse(c.text, c.code); err != nil || got != c.want {
			t.Errorf("Parse(%q, %s) = %d, %v, want %d", c.text, c.code, got, err, c.want)
		}
	}
}

func TestParse_refuses(t *testing.T) {
	for _, c := range []struct{ text, code, want string }{
		{"", "EUR", `"" is not an amount in EUR such as 125.00`},
		{"twelve", "EUR", "is not an amount in EUR"},
		{"EUR", "EUR", "is not an amount"},
		{"12.", "EUR", "is not an amount"},
		{".50", "EUR", "is not an amount"},
		{"--5", "EUR", "is not an amount"},
		{"-EUR -5", "EUR", "is not an amount"},
		{"5 - 3", "EUR", "is not an amount"},
		{"1e3", "EUR", "is not an amount"},
		{"12.50.10", "EUR", "is not an amount"},
		{"1,23,456", "EUR", "is not an amount"},
		{"1.234.50", "EUR", "is not an amount"},
		{"٣", "EUR", "is not an amount"},
		{"£12", "EUR", "is not an amount"},
		{"USD 12.50", "EUR", `"USD 12.50" is in USD, and amounts here are in EUR`},
		{"12.50 chf", "EUR", "is in CHF"},
		{"12.505", "EUR", "write 12505.00 if it is that"},
		{"1,234", "EUR", `"1,234" is not clear: write 1234.00 if it is that, and decimals after a point`},
		{"1.234", "EUR", "is not clear"},
		{"1,500", "KWD", "write 1500.000 if it is that"},
		{"12.5055", "EUR", "has more decimals than the 2 of EUR"},
		{"0.125", "EUR", "has more decimals than the 2 of EUR"},
		{"1,234.567", "EUR", "has more decimals than the 2 of EUR"},
		{"1.234", "JPY", "has decimals, and JPY has none"},
		{"12,5", "JPY", "has decimals, and JPY has none"},
		{"92233720368547758.08", "EUR", "is too large to count"},
		{"12.50", "EURO", `"EURO" is not a currency such as EUR`},
		{"12.50", "", `"" is not a currency`},
	} {
		got, err := Parse(c.text, c.code)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%q, %s) = %d, %v, want %q", c.text, c.code, got, err, c.want)
		}
	}
}

func TestParse_readsWhatIsWritten(t *testing.T) {
	codes := currency.GetCurrencyCodes()
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64().Draw(t, "minor")
		code := rapid.SampledFrom(codes).Draw(t, "code")
		for _, text := range []string{
			Format(minor, code), Number(minor, code), Plain(minor, code),
			Number(minor, code) + " " + code, strings.ReplaceAll(Format(minor, code), "-", "−"),
		} {
			if got, err := Parse(text, code); err != nil || got != minor {
				t.Fatalf("Parse(%q, %s) = %d, %v, want %d", text, code, got, err, minor)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"12.50", "-EUR 1,234.50", "1 234,50 €", "¥1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, code := range []string{"EUR", "JPY", "KWD"} {
			n, err := Parse(text, code)
			if err != nil {
				continue
			}
			if again, err := Parse(Format(n, code), code); err != nil || again != n {
				t.Errorf("Parse(%q) = %d, of which Format is read as %d, %v", text, n, again, err)
			}
		}
	})
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]quota.Rate{
		"22%": 220_000, " 22 %": 220_000, "8.875%": 88_750, "5,5%": 55_000, "0%": 0, "0.0001%": 1, "100%": 1_000_000, "07.7%": 77_000,
	} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"22": `"22" is not a rate such as 22% or 8.875%`, "": "is not a rate", "-1%": "is not a rate", "8.87501%": "is not a rate",
		"a%": "is not a rate", "1.%": "is not a rate", "100.0001%": "is more than 100%", "220%": "is more than 100%",
	} {
		if got, err := ParseRate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRate(%q) = %v, %v, want %q", text, got, err, want)
		}
	}
}

func TestRate_String(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := quota.Rate(rapid.Int64Range(0, 1_000_000).Draw(t, "rate"))
		if got, err := ParseRate(r.String()); err != nil || got != r {
			t.Fatalf("ParseRate(%q) = %v, %v, want %v", r.String(), got, err, r)
		}
	})
	for r, want := range map[quota.Rate]string{0: "0%", 88_750: "8.875%", 22 * quota.Percent: "22%", 1: "0.0001%", 100_000: "10%", -5_000: "-0.5%"} {
		if got := r.String(); got != want {
			t.Errorf("Rate(%d).String() = %q, want %q", int64(r), got, want)
		}
	}
}
