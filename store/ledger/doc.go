// Package ledger is what the books consist of: the entries of an account's ledger, the invoices,
// credit notes and payments that they refer to, and what they all add up to. These are types and
// arithmetic. Who writes them, in which transaction, is the store's affair: an order is worked
// out in memory, and its entries, invoices and payments are stored together.
//
//   - Entry is never changed or deleted. What it tells beside its figures are Facts, as values:
//     report/words makes texts of them. Only what is on paper is worded once and for good (Item).
//   - Fold adds entries up, the oldest first, and is the one place that does.
//   - Invoice.AddUp computes net, tax and total of an invoice, the tax by rate.
//
// Amounts are in minor units of the currency, times in UTC.
package ledger
