package books

import "relay/store/ledger"

// An invoice stays as it was issued, and keeps the words of that day:
//
//  1. an order makes the lines of an invoice, each with its Item: figures, no words;
//  2. issuing it has Options.Print put them into words, and the Cause of a credit note;
//  3. only the words are stored with the invoice, and they are never changed.

// Print puts an invoice into words, once and for good.
func (s *Books) Print(i *ledger.Invoice) {
	s.words(i)
	for at := range i.Lines {
		i.Lines[at].Item = ledger.Item{}
	}
	i.Cause = ""
}
