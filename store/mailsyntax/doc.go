// Package mailsyntax is the syntax of addresses and header fields: it reads what strangers
// wrote, and writes text so that nobody reads syntax in it. Intake, delivery, letters and
// commands share it, so that they agree on what an address is and where a field ends.
//
//   - Addresses: ParsePath reads one strictly and writes it anew. WellFormed checks one that
//     goes out. Package maildomain knows about its domain.
//   - Parameters of an envelope: xtext and ORCPT (RFC 3461, RFC 6533), both ways.
//   - Header fields: SplitField and FieldIs read a line, AppendField writes a folded field.
//   - Text: ASCII for a line of the protocol, Line for a field, a trace or a report, Hidden
//     for text on screens and in the books, IsText for a text that is kept as it is.
//
// What it accepts depends on octets only: there is no state and no DNS. Readers of broken mail
// (smtp/returned, report/clean) guess more than a syntax allows, and have rules of their own.
package mailsyntax
