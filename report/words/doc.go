// Package words puts values into what people read, so that the same value reads the same
// everywhere: in tables of commands, replies to mail programs, letters and invoices.
//
//  1. What the store and the arithmetic return, such as entries of the ledger, lines of
//     receipts and invoices, refusals and events, becomes text by the methods of a
//     Language. Figures, dates, failures and remarks, which stand in mails to customers,
//     are there in every language; the rest says the same in English whatever the language.
//  2. Sizes, counts, lengths of time and dates of commands and logs are written by functions,
//     in English, and what people write of them, such as "500MB" or "4d", is read here too.
//
// Nothing here knows a terminal or reads a store; a time zone is a parameter. What was
// stored as text before stays as it is: an entry's note comes before any other words.
package words

// Language is the language of a text for people.
type Language string
