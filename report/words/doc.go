// Package words puts values into the words and figures that people read: sizes,
// counts, lengths of time, dates; why an order is refused.
//
// Tables of commands, replies to mail programs, letters and invoices call it, so
// that the same value reads the same everywhere. The figures that people write,
// such as "500MB" or "4d", are read here too. Nothing here knows a terminal, or
// reads a store; a time zone is a parameter. What makes whole sentences is a method of
// a Language, of which there is English only.
package words

// Language in which people are told something.
type Language string

// English is the one that there is.
const English Language = "en"
