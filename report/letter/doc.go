// Package letter is the mail that relay writes by itself: a page of blocks, set as text and
// as HTML, and the message that carries both.
//
//  1. Parse makes a Page of markup, which templates write (package wording). Values in it are
//     quoted by Quote, so that nothing of them is markup.
//  2. Text sets the page in 72 columns, readable alone; HTML as tables with styles in place,
//     600 pixels wide at most, fit for a phone and for dark mode, with nothing from elsewhere.
//  3. Build makes the message (RFC 5322, RFC 2045), as deep as it needs: multipart/mixed where
//     files are attached, in it multipart/alternative, in it multipart/related where the HTML
//     shows a picture. It is 7-bit, so that it passes everywhere, and says that no person
//     wrote it (RFC 3834), so that no holiday notice answers.
//
// It is pure: no I/O and no clock, and the same letter gives the same octets.
//
// Names come from customers and lines from the operator. Control characters are taken out,
// HTML is escaped, what is no web address is no link, and nothing can end a header field.
package letter

import "relay/report/invoice"

// HowToRenew are the placeholders of a template for how to renew. The amount is
// plain, "1234.50", to be copied; it is nothing where the plan is not sold.
var HowToRenew = invoice.Placeholders{"{account}", "{plan}", "{end}", "{amount}"}

// HowToChange are the placeholders of a template for where a customer changes its plan, or
// what happens at the limit and which mail it gets.
var HowToChange = invoice.Placeholders{"{account}", "{plan}"}
