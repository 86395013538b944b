// Package invoice shows an invoice or a credit note: as text for a terminal and
// for mail, as a page of HTML, and as PDF. The three say the same.
//
//  1. New makes a Document of what the store keeps. From here on nothing is
//     looked up and no clock is read: a Document shown twice gives the same
//     octets, as long as nobody paid in between.
//  2. facts, sums and payment say in words what is shown: dates, tax by rate,
//     what is paid and due, how to pay.
//  3. Text, HTML or PDF sets them.
//
// What is due, and how to pay it, is shown while the invoice is open. After that
// a mark says what became of it: paid, cancelled or refunded.
//
// Names may come from customers. Control characters and marks of direction are
// taken out of them, HTML is escaped, and what is long is wrapped. The PDF has
// the letters of the Go fonts: Latin, Greek and Cyrillic. Others are put in the
// closest of these, or as a question mark; text and HTML have them all.
package invoice
