// Package owners has the commands on customers and resellers: flags in, a table out.
package owners
