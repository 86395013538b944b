package spool

import (
	"testing"

	"relay/store/testdisk"
)

func TestMain(m *testing.M) { testdisk.Run(m) }
