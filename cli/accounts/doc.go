// Package accounts has the commands on accounts, their logins and networks, their orders
// and their statement. They ask the acts of report/api/accounts and report/api/orders.
package accounts
