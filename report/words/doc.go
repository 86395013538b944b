// Package words puts values into the words and figures that people read: sizes,
// counts, lengths of time, dates.
//
// Tables of commands, replies to mail programs, letters and invoices call it, so
// that the same value reads the same everywhere. The figures that people write,
// such as "500MB" or "4d", are read here too. Nothing here knows a terminal or a
// store; a time zone is a parameter.
package words
