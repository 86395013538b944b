// Package letter writes the mail that relay sends to customers by itself: what it
// says, in text and in HTML, and the message that carries both.
//
//  1. An Ending knows what a customer is to know before a term ends, Waits why mail of an
//     account waits. Their words are put together once; Text and HTML set the same ones.
//  2. Build makes the message (RFC 5322, RFC 2045): multipart/alternative, UTF-8,
//     quoted-printable, so that it is 7-bit and passes everywhere. It says that no
//     person wrote it (RFC 3834), so that no holiday notice answers.
//
// It is pure: no I/O and no clock, and the same letter gives the same octets.
//
// Names come from customers and lines from the operator. Control characters are
// taken out, HTML is escaped, what is no web address is no link, and nothing can end
// a header field. The HTML is tables and styles in place, without pictures and
// without anything from elsewhere: what mail programs show.
package letter
