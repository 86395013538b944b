package invoice

import (
	"fmt"
	"strings"
	"time"

	"relay/quota"
)

var (
	rome   = time.FixedZone("CET", 3600)
	issued = time.Date(2026, 11, 23, 9, 30, 0, 0, rome)
)

// samples are documents of every sort, by the name of their golden files.
func samples() map[string]*Document {
	return map[string]*Document{
		"open": open(), "partly-paid": partlyPaid(), "paid": paid(), "refunded": refunded(), "cancelled": cancelled(),
		"credit-note": creditNote(), "wide": wide(), "yen": yen(), "hostile": hostile(), "scripts": scripts(), "long": long(90), "by-rate": byRate(), "bare": {Number: "1", State: Open, Currency: "EUR"},
	}
}

func open() *Document {
	d := &Document{
		Number: "R-17", State: Open, Account: "newsletter", Issued: issued, Due: issued.AddDate(0, 0, 14),
		Seller: []string{"Posta Sicura S.r.l.", "Via Garibaldi 12", "10122 Torino, Italia", "VAT IT01234567890"},
		Buyer:  []string{"Müller & Söhne GmbH", "Bahnhofstraße 7", "80335 München, Deutschland", "VAT DE123456789"},
		Lines: []Line{
			line("plan bandwidth-500, a year", 1, 12_000, 22*quota.Percent),
			line("1 GB ahead", 3, 450, 22*quota.Percent),
		},
	}
	total(d, "EUR")
	return pay(d)
}

func pay(d *Document) *Document {
	d.Instructions = d.FillText("By bank transfer to IT60 X054 2811 1010 0000 0123 456, Posta Sicura S.r.l.\nwith the text {invoice}: {currency} {amount}. The account {account} becomes active as soon as the payment has arrived.")
	d.Link = d.FillLink("https://pay.example.org/{account}?ref={invoice}&amount={amount}&currency={currency}")
	return d
}

// byRate has two lines whose tax of 0.5 of a cent makes one cent together.
func byRate() *Document {
	d := open()
	d.Lines = []Line{line("1.2 GB ahead", 1, 1025, 0), line("1.2 GB ahead", 1, 1025, 0), line("postage", 1, 120, 0)}
	d.Lines[0].Rate, d.Lines[1].Rate = 22*quota.Percent, 22*quota.Percent
	d.Taxes = []Tax{{22 * quota.Percent, 2050, 451}, {0, 120, 0}}
	d.Net, d.Tax, d.Total = 2170, 451, 2621
	d.Reference = "PO 4711 / web"
	return pay(d)
}

func partlyPaid() *Document {
	d := open()
	d.Paid = 10_000
	return pay(d)
}

func paid() *Document {
	d := open()
	d.State, d.Paid, d.Period = Paid, d.Total, "2026-11"
	d.Buyer = []string{"Żółta Łódź sp. z o.o.", "Ελληνικά Ταχυδρομεία", "ООО «Почта России»", "Ștefan Țepeș, İğdır, Győr, Þórr, Ķegums, Ẁrexham", "Nguyễn Văn Thắng, 東京"}
	d.Lines = append(d.Lines, line("printed list of errors, reduced rate, € 5.50", 1, 550, 10*quota.Percent), line("postage", 1, 120, 0))
	total(d, "EUR")
	d.Paid = d.Total
	return d
}

func refunded() *Document {
	d := open()
	d.State, d.Paid = Refunded, d.Total
	return d
}

func cancelled() *Document {
	d := open()
	d.State = Cancelled
	return d
}

func creditNote() *Document {
	d := open()
	d.Number, d.CreditNote, d.About, d.State, d.Due = "R-18", true, "R-17", Paid, d.Issued
	for i, l := range d.Lines {
		d.Lines[i] = line(l.Text, l.Count, -l.Price, l.Rate)
	}
	total(d, "EUR")
	return d
}

func wide() *Document {
	d := open()
	d.Number = "SERVICE-POSTAL-2026/00000000018446744073709551615"
	d.Account = strings.Repeat("newsletter-", 5) + "department"
	d.Seller[0] = "Aktiengesellschaft für grenzüberschreitende Nachrichtenübermittlung und Telekommunikationsdienstleistungen"
	d.Buyer[0] = strings.Repeat("Donaudampfschifffahrtsgesellschaft", 3)
	d.Lines = []Line{
		line("plan bandwidth-500, a year, with a description that goes on for longer than there is room beside its figures, so that it is wrapped", 12_000, 1_234_567_890, 25*quota.Percent),
		line(strings.Repeat("unbroken", 12), 1, 5, 55_000),
	}
	total(d, "KWD")
	return pay(d)
}

func yen() *Document {
	d := open()
	d.Lines = []Line{line("plan count-9000, a month", 1, 1_200, 10*quota.Percent), line("correction", 1, -200, 10*quota.Percent)}
	total(d, "JPY")
	return pay(d)
}

func scripts() *Document {
	d := open()
	d.Seller = []string{"株式会社リレー郵便サービス", "〒100-0001 東京都千代田区千代田一丁目一番一号リレービル五階", "登録番号 T1234567890123"}
	d.Buyer = []string{"شركة البريد السعودي", "חברת הדואר", "हिन्दी डाक सेवा", "Nguyễn Văn Thắng", "Əliyev", "대한민국 우체국"}
	return d
}

func hostile() *Document {
	d := open()
	d.Buyer = []string{"<script>alert(1)</script>", "a\x1b[31mred\x00 \u202eevil\u2066", "\tCafe\u0301 & \"Co\"\xff", "'); DROP TABLE"}
	d.Account = "<b>&amp;"
	d.Lines[0].Text = "</td></table><img src=x onerror=alert(1)>\r\nsecond line"
	d.Instructions = "<a href='javascript:alert(1)'>here</a>\n\n\x07bell"
	d.Link = "javascript:alert(1)"
	return d
}

func long(lines int) *Document {
	d := open()
	d.Lines = nil
	for i := range lines {
		text := fmt.Sprintf("block of %d GB beyond the allowance", i+1)
		if i%7 == 3 {
			text += ", of which the description is so long that it has to be set in two lines or more on any paper"
		}
		d.Lines = append(d.Lines, line(text, 1, int64(1000+i), 22*quota.Percent))
	}
	total(d, "EUR")
	return pay(d)
}

func line(text string, count, price int64, rate quota.Rate) Line {
	net := count * price
	tax, err := quota.Tax(net, rate)
	if err != nil {
		panic(err)
	}
	return Line{Text: text, Count: count, Price: price, Net: net, Rate: rate, Tax: tax}
}

func total(d *Document, currency string) {
	d.Currency, d.Net, d.Tax = currency, 0, 0
	for _, l := range d.Lines {
		d.Net += l.Net
		d.Tax += l.Tax
	}
	d.Total = d.Net + d.Tax
}
