//go:build !linux

package mailer

import "syscall"

func showProgress(_, _ string, _ syscall.RawConn) error { return nil }
