// Package verdict says what a reply of a next hop means: whether to try again, under
// which label people know it, and which party must act.
//
//  1. Parse takes a reply apart. Its last line's code decides the class; its text is
//     that of all lines.
//  2. Normalise makes the text comparable: lower case, repeated codes stripped,
//     addresses, host names and ids masked.
//  3. Rules.Judge finds the first rule that matches. Rules of one provider come before
//     rules about texts, these before rules about enhanced codes, and those about basic
//     codes come last. All rules of the operator come before ours.
//  4. The rule's category gives the answer, except for what the rule itself says.
//
// Rules are data: rules.toml is ours, and the operator may have a file of the same
// form. A rule that can never match is refused when its file is read.
//
// Nothing that a next hop says before MAIL is the recipient's fault, whatever its text.
package verdict
