package words

import (
	"fmt"

	"relay/quota"
	"relay/store/ledger"
)

// Print puts the lines of an invoice and the cause of a credit note into words, for
// store.Options.
func (l Language) Print(i *ledger.Invoice) {
	for at := range i.Lines {
		if line := &i.Lines[at]; line.Item.Kind != "" {
			line.Text = l.Item(&line.Item)
		}
	}
	if i.Cause != "" {
		i.Reason = l.Cause(i.Cause)
	}
}

// Item is the text of an invoice's line. Invoices are in English, with days as 2026-11-30.
func (l Language) Item(i *ledger.Item) string {
	if l == German || l == Italian {
		return l.spoken(i)
	}
	switch i.Kind {
	case ledger.ItemTerm:
		text := fmt.Sprintf("plan %s, a %s", i.Plan, i.Term)
		if i.Starts != "" {
			text += " from " + i.Starts
		}
		return text
	case ledger.ItemUpgrade:
		return fmt.Sprintf("upgrade from %s to %s, %d of %d days", i.From, i.Plan, i.Left, i.Days)
	case ledger.ItemTopUp:
		return "top-up by plan " + i.Plan
	case ledger.ItemAhead:
		return "prepaid bandwidth, " + Octets(i.Bytes)
	case ledger.ItemOverage:
		if i.Over == 0 {
			return Octets(i.Bytes) + " for the same"
		}
		return fmt.Sprintf("%s for %s beyond the allowance of %s", Octets(i.Bytes), Octets(i.Over), i.Period)
	case ledger.ItemCredit:
		return fmt.Sprintf("%s of it not used: credit until %s", Octets(i.Bytes), i.Until)
	}
	return i.String()
}

// spoken is Item for a sentence of a mail, with the days as they stand in the rest of it.
func (l Language) spoken(i *ledger.Item) string {
	switch i.Kind {
	case ledger.ItemTerm:
		text := fmt.Sprintf(l.pick("plan %s, %s", "Tarif %s, %s", "piano %s, %s"), i.Plan, l.term(i.Term))
		if i.Starts != "" {
			text += l.pick(" from ", " ab ", " dal ") + l.DateOf(i.Starts)
		}
		return l.Elide(text)
	case ledger.ItemUpgrade:
		return fmt.Sprintf(l.pick("upgrade from %s to %s, %d of %d days", "Wechsel von %s zu %s, %d von %d Tagen", "passaggio da %s a %s, %d giorni su %d"), i.From, i.Plan, i.Left, i.Days)
	case ledger.ItemTopUp:
		return l.pick("top-up by plan ", "Aufstockung mit Tarif ", "ricarica con il piano ") + i.Plan
	case ledger.ItemAhead:
		return l.pick("prepaid bandwidth, ", "vorab gekaufte Datenmenge, ", "traffico prepagato, ") + l.Octets(i.Bytes)
	case ledger.ItemOverage:
		if i.Over == 0 {
			return l.Octets(i.Bytes) + l.pick(" for the same", " für dasselbe", " per lo stesso motivo")
		}
		return fmt.Sprintf(l.pick("%s for %s beyond the allowance of %s", "%s für %s über dem Kontingent (%s)", "%s per %s oltre la quota (%s)"), l.Octets(i.Bytes), l.Octets(i.Over), l.Month(i.Period))
	case ledger.ItemCredit:
		return l.Elide(fmt.Sprintf(l.pick("%s of it not used: credit until %s", "davon %s nicht verbraucht: Guthaben bis %s", "di cui %s non usati: credito fino al %s"), l.Octets(i.Bytes), l.DateOf(i.Until)))
	}
	return i.String()
}

func (l Language) term(t quota.Term) string {
	if t == quota.Month {
		return l.pick("a month", "30 Tage", "30 giorni")
	}
	return l.pick("a year", "ein Jahr", "un anno")
}

// Cause says why an invoice was taken back, or a number is void.
func (Language) Cause(c ledger.Cause) string {
	switch c {
	case ledger.CauseUnpaid:
		return "cancelled, it was not paid"
	case ledger.CausePartly:
		return "cancelled, it was not paid in full"
	case ledger.CauseExpired:
		return "expired, it was not paid"
	case ledger.CauseNotBegun:
		return "its term had not begun"
	case ledger.CauseLost:
		return "issued by a store that this one does not follow"
	}
	return string(c)
}
