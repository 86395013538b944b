// Package tell knows what the mail that relay writes by itself says: View has all that a
// template of package wording may say.
package tell
