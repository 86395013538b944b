package books

import "relay/store/ledger"

// What is on paper stays as it was issued, in the words of then:
//
//  1. an order makes the lines of an invoice, each with its Item: figures, no words;
//  2. issuing it has Options.Print put them into words, and the Cause of a credit note;
//  3. the words alone are stored with the invoice. Nothing that was stored is worded again.

// Print puts an invoice into words, once and for good.
func (s *Books) Print(i *ledger.Invoice) {
	s.words(i)
	for at := range i.Lines {
		i.Lines[at].Item = ledger.Item{}
	}
	i.Cause = ""
}
