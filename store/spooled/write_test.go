package spooled_test

import (
	"testing"

	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

func TestMessage_WriteFields(t *testing.T) {
	roomtest.Written(t, func() room.Writer { return &spooled.Message{} })
}
