// Package billing has the commands on invoices and payments.
package billing

import (
	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
)

// InvoiceCommand is the group on invoices.
func InvoiceCommand(e *shell.Env) *cli.Command {
	return shell.Group("invoice", "what customers owe", invoiceList(e), invoiceShow(e), invoiceCancel(e))
}

// PaymentCommand is the group on payments.
func PaymentCommand(e *shell.Env) *cli.Command {
	return shell.Group("payment", "what customers have paid", paymentRecord(e), paymentReverse(e), paymentList(e))
}
