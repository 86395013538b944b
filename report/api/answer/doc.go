// Package answer has answers that acts of several packages give: an invoice, a payment,
// what an account owes. Amounts are minor units of the currency beside them.
package answer
