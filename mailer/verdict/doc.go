// Package verdict says what a reply of a next hop means: whether to try again, under
// which label people know it, and which party must act.
//
//  1. Parse takes a reply apart. Its last line's code decides the class; its text is
//     that of all lines.
//  2. Normalise makes the text comparable: lower case, repeated codes stripped,
//     addresses, host names and ids masked.
//  3. Rules.Judge finds the first rule that matches. Rules of one provider come first, then
//     rules about texts, about enhanced codes, and about basic codes. All rules of the
//     operator come before ours.
//  4. The rule's category gives the answer. Members of the rule itself take precedence.
//
// Rules are data: rules.toml is ours, and the operator may have a file of the same
// form. A rule that can never match is refused when its file is read.
//
// A reply before MAIL never fails a recipient, whatever its text. The package keeps
// nothing and has no I/O, so a crash leaves nothing here.
package verdict
