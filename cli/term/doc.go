// Package term writes for people who read a terminal: text that fits its width,
// and nothing that strangers could make the terminal do.
package term
