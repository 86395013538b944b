// Package ledger has the types that the books consist of: the entries of an account's ledger, the
// invoices, credit notes and payments that they refer to, and the arithmetic that adds them up. Package
// store writes them: it works an order out in memory, and stores its entries, invoices and payments in one
// transaction.
//
//   - An Entry is never changed or deleted. What it tells beside its figures are Facts, as values, and
//     report/words makes texts of them. Only what is on paper is worded once and for good (Item).
//   - Fold adds entries up, the oldest first, and is the one place that does.
//   - Invoice.AddUp computes net, tax and total of an invoice, the tax by rate.
//
// Amounts are in minor units of the currency, times in UTC.
package ledger
