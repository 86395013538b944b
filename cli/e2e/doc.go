// Package e2e holds the tests of the whole: the built binary with real sockets,
// killed and started again, against real mail programs, a full disk and a disk
// that fails. It has nothing but tests.
//
// What a test needs and the machine does not have makes it skip with the tool's
// name. Everything stays on loopback; only TestDefaults binds the fixed ports of a
// relay without configuration, in a network namespace where it may have one.
//
//	go test ./cli/e2e -short                  5 kills, else 30
//	go test ./cli/e2e -run Kill -kills 200    more of them
//	go test ./cli/e2e -run Backlog -backlog 100000
package e2e
