// Package tell writes the mail that relay sends by itself: what happened becomes what a
// template may say, and that becomes a mail to each reader.
//
//  1. Kinds is the table of what is told, by which topic accounts choose it, and to whom.
//  2. A Writer makes a View of what the store has read (store.Told), the page of it in the
//     reader's language (package wording), and the message: text, HTML, chart, list of
//     errors, invoice (package letter).
//  3. Preview does the same for a person who wants to see it, with invented facts where
//     nothing such has happened yet.
//
// It is pure but for the clock that it is given: no store, no network. The same facts give
// the same octets. What cannot be made of a mail, such as an operator's template with a
// mistake, is replaced or left out and handed to Config.Wrong; the mail goes out.
package tell
